// What is too much for one turn of a shard's loop is spread over several, and nothing is lost between them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reachback/request_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

std::vector<ScriptedService> crowd_of(GatewayFixture const& gateway, std::size_t size) {
  std::vector<ScriptedService> crowd;
  for (std::size_t i = 0; i < size; ++i) crowd.push_back(gateway.service("wsUser"));
  return crowd;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "messages reach each of many connections in the order of the posts, and closing comes behind them",
    Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto crowd = crowd_of(gateway, 300);
  auto const last = gateway.state().connections("wsUser")->back();
  auto first = gateway.state().async_send_websocket_message("wsUser", "first");
  auto second = gateway.state().async_send_websocket_message("wsUser", "second", last);
  auto third = gateway.state().async_send_websocket_message("wsUser", "third");
  auto closed = gateway.state().async_close_all_connections();
  CHECK(first.get()->delivered == crowd.size());
  CHECK(second.get()->delivered == 1);
  CHECK(third.get()->delivered == crowd.size());
  CHECK(closed.get() == crowd.size());
  for (auto& one : crowd) {
    CHECK(one.read_text() == "first");
    if (&one == &crowd.back()) CHECK(one.read_text() == "second");
    CHECK(one.read_text() == "third");
    CHECK(one.read_close() == 4000);
  }
}

TEST_CASE_TEMPLATE("a list of many connections names each once, in the order of joining", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto const crowd = crowd_of(gateway, 600);
  auto const ids = gateway.state().connections("wsUser").value();
  REQUIRE(ids.size() == crowd.size());
  auto caller = gateway.caller();
  auto const list = caller.get("/v1/endpoints/wsUser");
  std::size_t at = 0;
  for (auto const id : ids) {
    at = list.body.find(R"({"id":)" + std::to_string(to_number(id)) + ",", at);
    REQUIRE(at != std::string::npos);
    ++at;
  }
  CHECK(list.body.find(R"({"id":)", at) == std::string::npos);
}

TEST_CASE_TEMPLATE("every one of many calls ends when its service leaves", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  std::vector<CallId> calls;
  {
    auto const service = gateway.service();
    for (int i = 0; i < 500; ++i) calls.push_back(handler.prepare_request(request_text)->call_id);
    CHECK(gateway.pending_becomes(calls.size()));
  }
  CHECK(gateway.pending_becomes(0));
  for (auto const call : calls) {
    auto const ended = handler.get_response(call);
    REQUIRE(ended);
    CHECK(ended->message.find(R"("status":499)") != std::string::npos);
  }
}

TEST_CASE_TEMPLATE("every one of many calls ends at its time-out", Shards, OneShard, FourShards) {
  auto config = Shards::config();
  GatewayFixture gateway(config);
  RequestHandler handler("wsData", gateway.gateway());
  auto const service = gateway.service();
  for (int i = 0; i < 500; ++i) REQUIRE(handler.prepare_request(request_text));
  CHECK(gateway.pending_becomes(500));
  gateway.advance(config.timeouts.unfetched);
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("an event carries a message of many slices whole, text and binary", Shards, OneShard,
                   FourShards) {
  auto config = Shards::config();
  GatewayFixture gateway(config);
  auto watcher = gateway.caller();
  watcher.request("GET", "/v1/endpoints/wsUser/events");
  CHECK(watcher.read_head().status == 200);
  CHECK(watcher.read_chunk() == ": connected\n\n");
  auto sender = gateway.service("wsUser");
  std::string text, escaped, binary, base64;
  while (text.size() < 100'000) {
    text += "a\xE2\x82\xAC\n";
    escaped += "a\xE2\x82\xAC\\n";
  }
  for (int i = 0; i < 40'000; ++i) {
    binary += "abc";
    base64 += "YWJj";
  }
  sender.send({.opcode = Opcode::text, .fin = Fin::last, .payload = text});
  for (int i = 0; i < 2; ++i)
    sender.send({.opcode = Opcode::binary, .fin = Fin::last, .payload = binary + "d"});
  std::string all;
  std::string const end = base64 + "ZA==\"}\n\n";
  while (!all.ends_with(end) || all.find(end) + end.size() == all.size()) all += watcher.read_chunk();
  CHECK(all.find(R"("text":")" + escaped + "\"}\n\n") != std::string::npos);
  CHECK(all.find(R"("base64":")" + end) != all.rfind(R"("base64":")" + end));
}

TEST_CASE_TEMPLATE("line breaks of a long part become spaces wherever they stand", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto answer = answer_to(service.read_call().id, std::string(400'000, 'x'));
  answer.insert(answer.size() - 1, "\r\n,\n\"end\":1\r");
  // On both sides of every place where a turn could end.
  answer.insert(1, std::string(2'500'000, '\n'));
  service.send_text(answer);
  CHECK(caller.read_head().status == 200);
  std::string line;
  for (auto chunk = caller.read_chunk(); !chunk.empty(); chunk = caller.read_chunk()) line += chunk;
  for (char& c : answer) c = c == '\r' || c == '\n' ? ' ' : c;
  CHECK(line == answer + "\n");
}

TEST_CASE_TEMPLATE("a big answer is whole although it takes many turns to write", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const answer = answer_to(service.read_call().id, std::string(5'000'000, 'x'));
  service.send_text(answer);
  CHECK(caller.read_answer().body == answer);
  caller.call();
  service.send_text(answer_to(service.read_call().id));
  CHECK(caller.read_answer().status == 200);
}
