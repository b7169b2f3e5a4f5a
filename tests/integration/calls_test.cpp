#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

TEST_CASE_TEMPLATE("a call goes to the newest service; when it leaves, to the one before it", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto older = gateway.service();
  auto newest = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  newest.send_text(answer_to(newest.read_call().id));
  CHECK(caller.read_answer().status == 200);
  newest.stream().close();
  CHECK(wait_until([&] { return gateway.state().connections("wsData")->size() == 1; }));
  caller.call();
  older.send_text(answer_to(older.read_call().id));
  CHECK(caller.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("a call can name its connection", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto older = gateway.service();
  auto const newest = gateway.service();
  auto const id = std::to_string(to_number(gateway.state().connections("wsData")->front()));
  auto caller = gateway.caller();
  caller.call(request_text, {.query = "?connection=" + id});
  auto const call = older.read_call();
  older.send_text(answer_to(call.id));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.field("Reachback-Connection") == id);
  CHECK(answer.field("Reachback-Call-Id") == std::to_string(to_number(call.id)));
}

TEST_CASE_TEMPLATE("an answer is given in each of its forms", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  auto const ask = [&](std::string_view accept) {
    caller.call(request_text, {.accept = accept});
    auto const call = service.read_call();
    // Out of order: "b25l" is "one", "dHdv" is "two".
    service.send_text(part_of(call.id, {2, 2}, "dHdv"));
    service.send_text(part_of(call.id, {1, 2}, "b25l"));
    return std::pair(call.id, caller.read_answer());
  };
  auto const [json_id, json] = ask("application/json");
  CHECK(json.says(R"("data":"b25ldHdv"})"));
  CHECK(json.says(R"("numParts":1)"));
  auto const [lines_id, lines] = ask("application/x-ndjson");
  CHECK(lines.body == part_of(lines_id, {2, 2}, "dHdv") + "\n" + part_of(lines_id, {1, 2}, "b25l") + "\n");
  auto const [octets_id, octets] = ask("application/octet-stream");
  CHECK(octets.body == "onetwo");
}

TEST_CASE_TEMPLATE("callers whose answers come in another order each get their own", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  std::vector<ScriptedCaller> callers;
  std::vector<SeenCall> calls;
  for (int i = 0; i < 16; ++i) {
    callers.push_back(gateway.caller());
    callers.back().call(R"({"cmd":"rpc","n":)" + std::to_string(1000 + i) + "}");
    calls.push_back(service.read_call());
  }
  std::reverse(calls.begin(), calls.end());
  for (auto const& call : calls) {
    service.send_text(answer_to(call.id, call.text.substr(call.text.find(R"("n":)") + 4, 4)));
  }
  for (std::size_t i = 0; i < callers.size(); ++i) {
    CHECK(callers[i].read_answer().says(R"("data":")" + std::to_string(1000 + i)));
  }
  CHECK(gateway.ended_becomes("answered", 16));
}

TEST_CASE_TEMPLATE("calls sent one behind the other on one connection are answered in order", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  for (int i = 0; i < 3; ++i) caller.call();
  for (int i = 0; i < 3; ++i) {
    auto const call = service.read_call();
    service.send_text(answer_to(call.id));
    CHECK(caller.read_answer().says(std::to_string(to_number(call.id))));
  }
}

TEST_CASE_TEMPLATE("what a service sends that is no answer is counted, and the service stays", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  service.send_text("[]");
  service.send_text("{");
  service.send_text(R"({"cmd":"rpc","callId":1})");
  service.send({.opcode = Opcode::binary, .payload = "\xff"});
  service.send_text(answer_to(CallId{1}));
  CHECK(gateway.dropped_becomes("not-an-object", 1));
  CHECK(gateway.dropped_becomes("bad-json", 1));
  CHECK(gateway.dropped_becomes("bad-status", 1));
  CHECK(gateway.dropped_becomes("not-utf8", 1));
  CHECK(gateway.dropped_becomes("unknown-call", 1));
  // A binary message is read as if it were text.
  service.send({.opcode = Opcode::binary, .payload = answer_to(call.id)});
  CHECK(caller.read_answer().status == 200);
}
