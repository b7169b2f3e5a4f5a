// What the forms of answers make of messages that are just about, or no longer, what they can carry.
#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr AskedCall as_octets{.endpoint = "wsData", .query = "", .accept = "application/octet-stream"};
constexpr unsigned most_merged_keys = 1000;

/// An answer without `data`, with these members at its end.
std::string bare_answer(CallId id, std::string_view members) {
  return R"({"cmd":"rpc","status":200,"callId":)" + std::to_string(to_number(id)) + "," +
         std::string(members) + "}";
}

/// A first part with so many keys in all; `last_key` is the one added last.
std::string part_with_keys(CallId id, PartNumbers position, unsigned keys) {
  std::string part = part_of(id, position, "b25l");
  // Those that it has: cmd, status, multipart, callId, partId, numParts, data.
  constexpr unsigned own_keys = 7;
  std::string more;
  for (unsigned i = own_keys; i < keys; ++i) {
    std::string const name = i + 1 == keys ? "last_key" : "key" + std::to_string(i);
    more += ",\"" + name + "\":" + std::to_string(i);
  }
  part.insert(part.size() - 1, more);
  return part;
}

/// What a caller gets when the service answers with two parts, the first of so many keys.
HttpAnswer merged(GatewayFixture const& gateway, unsigned keys) {
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  service.send_text(part_with_keys(call.id, {1, 2}, keys));
  service.send_text(part_of(call.id, {2, 2}, "dHdv"));
  return caller.read_answer();
}

}  // namespace

TEST_CASE("an octet-stream of an answer without data is as long as its fileSize says, or bad") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  auto const ask = [&](std::string_view members) {
    caller.call(request_text, as_octets);
    service.send_text(bare_answer(service.read_call().id, members));
    return caller.read_answer();
  };
  auto const missing = ask(R"("fileSize":5)");
  CHECK(missing.status == 502);
  CHECK(missing.says("/problems/bad-answer"));
  CHECK(missing.says("fileSize"));
  CHECK(missing.says(R"("delivery":"sent")"));
  auto const empty = ask(R"("fileSize":0)");
  CHECK(empty.status == 200);
  CHECK(empty.field("Content-Length") == "0");
  CHECK(empty.body.empty());
  CHECK(ask(R"("other":0)").status == 200);
  CHECK(gateway.ended_becomes("answered", 2));
  CHECK(gateway.ended_becomes("bad-answer", 1));
}

TEST_CASE("an octet-stream of an error is a problem that has the service's message inside") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, as_octets);
  auto const id = std::to_string(to_number(service.read_call().id));
  service.send_text(R"({"cmd":"error","status":400,"error":"out of range","callId":)" + id + "}");
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-error"));
  CHECK(answer.says("out of range"));
  CHECK(gateway.ended_becomes("service-error", 1));
}

TEST_CASE("as JSON an answer without data is passed on as it is, whatever its fileSize says") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const answer = bare_answer(service.read_call().id, R"("fileSize":5)");
  service.send_text(answer);
  CHECK(caller.read_answer().body == answer);
}

TEST_CASE("the first of several parts may have 1000 keys, all of which the merged message has") {
  GatewayFixture gateway(OneShard::config());
  auto const answer = merged(gateway, most_merged_keys);
  CHECK(answer.status == 200);
  CHECK(answer.says(R"("last_key":999)"));
  CHECK(answer.says(R"("data":"b25ldHdv"})"));
}

TEST_CASE("a first part of several with more than 1000 keys is a bad answer, and ends the call") {
  GatewayFixture gateway(OneShard::config());
  auto const answer = merged(gateway, most_merged_keys + 1);
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/bad-answer"));
  CHECK(answer.says("too many keys"));
  CHECK(gateway.ended_becomes("bad-answer", 1));
  CHECK(gateway.pending_becomes(0));
  CHECK(gateway.budgets_return());
}

TEST_CASE("a single part may have any number of keys, and so may the parts that become lines") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const single = part_with_keys(service.read_call().id, {1, 1}, most_merged_keys + 1);
  service.send_text(single);
  CHECK(caller.read_answer().body == single);
  caller.call(request_text, as_octets);
  service.send_text(part_with_keys(service.read_call().id, {1, 1}, most_merged_keys + 1));
  CHECK(caller.read_answer().body == "one");

  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  auto const first = part_with_keys(call.id, {1, 2}, most_merged_keys + 1);
  auto const second = part_of(call.id, {2, 2});
  service.send_text(first);
  service.send_text(second);
  CHECK(caller.read_answer().body == first + "\n" + second + "\n");
}
