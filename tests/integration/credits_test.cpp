// What a service that speaks reachback.v1 has of it: http-api.md, "Calls".
#include <doctest/doctest.h>

#include "reachback/request_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

/// More than the kernel takes of a peer that doesn't read.
constexpr std::size_t much = 12u << 20;
constexpr AskedCall as_bytes{.endpoint = "wsData", .query = "", .accept = "application/octet-stream"};

bool contains(std::string_view text, std::string_view wanted) {
  return text.find(wanted) != std::string_view::npos;
}

std::string credit_for(CallId call, unsigned parts = 1) {
  return R"({"cmd":"credit","callId":)" + std::to_string(to_number(call)) + R"(,"parts":)" +
         std::to_string(parts) + "}";
}

std::string cancel_of(CallId call) {
  return R"({"cmd":"cancel","callId":)" + std::to_string(to_number(call)) + "}";
}

void send_parts(ScriptedService& service, CallId call, std::initializer_list<unsigned> ids, unsigned count) {
  for (unsigned const id : ids) service.send_text(part_of(call, {id, count}));
}

}  // namespace

TEST_CASE_TEMPLATE("a service that asks for the subprotocol is told the time until each part", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  CHECK(service.subprotocol() == "reachback.v1");
  auto caller = gateway.caller();
  caller.call(request_text, {.query = "?timeout=2.5"});
  auto const call = service.read_call();
  CHECK(contains(call.text, R"("timeoutMs":2500,)"));
  service.send_text(answer_to(call.id));
  CHECK(caller.read_answer().status == 200);
  caller.call();
  auto const next = service.read_call();
  CHECK(contains(next.text, R"("timeoutMs":60000,)"));
  service.send_text(answer_to(next.id));
  CHECK(caller.read_answer().status == 200);
  CHECK(service.hears_nothing());
}

TEST_CASE_TEMPLATE("a service that does not ask sees the seed's messages only", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  std::string_view offer;
  SUBCASE("it offers nothing") {}
  SUBCASE("it offers something else") { offer = "mqtt, Reachback.V1"; }
  ScriptedService service(gateway.port(), "wsData", Window::usual, "test", offer);
  CHECK(service.subprotocol().empty());
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  CHECK_FALSE(contains(call.text, "timeoutMs"));
  // More parts than it could send with credits, and the caller takes them.
  send_parts(service, call.id, {1, 2, 3, 4}, 9);
  CHECK(caller.read_head().status == 200);
  for (int part = 1; part <= 4; ++part) CHECK_FALSE(caller.read_chunk().empty());
  caller.stream().close();
  CHECK(gateway.ended_becomes("cancelled", 1));
  CHECK(service.hears_nothing());
}

TEST_CASE("an endpoint that broadcasts does not speak it") {
  GatewayFixture gateway(OneShard::config());
  ScriptedService const user(gateway.port(), "wsUser", Window::usual, "test", "reachback.v1");
  CHECK(user.subprotocol().empty());
}

TEST_CASE_TEMPLATE("parts beyond the credit end their call and no other", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto slow = gateway.caller(Window::small);
  auto other = gateway.caller();
  slow.call(request_text, as_lines);
  auto const call = service.read_call();
  other.call();
  auto const other_call = service.read_call();
  service.send_text(part_of(call.id, {1, 9}, std::string(much, 'A')));
  send_parts(service, call.id, {2, 3}, 9);
  CHECK(service.read_text() == cancel_of(call.id));
  CHECK(gateway.ended_becomes("bad-answer", 0));
  auto const answer = slow.read_answer();
  CHECK(answer.says(R"("status":502)"));
  CHECK(answer.says("a part came beyond the credit"));
  CHECK(gateway.ended_becomes("bad-answer", 1));
  service.send_text(answer_to(other_call.id));
  CHECK(other.read_answer().status == 200);
  CHECK(gateway.state().connections("wsData")->size() == 1);
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a credit comes for each part that a slow caller takes, until all parts are covered",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto slow = gateway.caller(Window::small);
  slow.call(request_text, as_lines);
  auto const call = service.read_call();
  constexpr unsigned count = 5;
  std::string const data(much, 'A');
  service.send_text(part_of(call.id, {1, count}, data));
  service.send_text(part_of(call.id, {2, count}, data));
  CHECK(service.hears_nothing());
  CHECK(slow.read_head().status == 200);
  std::string lines;
  auto const read_line = [&] {
    for (auto chunk = slow.read_chunk(); lines += chunk, !chunk.ends_with('\n'); chunk = slow.read_chunk()) {}
  };
  for (unsigned part = 1; part + 2 <= count; ++part) {
    read_line();
    CHECK(service.read_text() == credit_for(call.id));
    CHECK(service.hears_nothing());
    service.send_text(part_of(call.id, {part + 2, count}, data));
    service.settle();
  }
  read_line();
  read_line();
  CHECK(slow.read_chunk().empty());
  CHECK(service.hears_nothing());
  std::string expected;
  for (unsigned part = 1; part <= count; ++part) expected += part_of(call.id, {part, count}, data) + "\n";
  CHECK(lines == expected);
  CHECK(gateway.ended_becomes("answered", 1));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a service that waits for its caller is not blamed for the time", Shards, OneShard,
                   FourShards) {
  auto config = Shards::config();
  config.timeouts.write = std::chrono::hours(1);
  GatewayFixture gateway(config);
  auto service = gateway.paced_service();
  auto slow = gateway.caller(Window::small);
  slow.call(request_text, {.query = "?timeout=10", .accept = "application/x-ndjson"});
  auto const call = service.read_call();
  std::string const data(much, 'A');
  service.send_text(part_of(call.id, {1, 3}, data));
  service.send_text(part_of(call.id, {2, 3}, data));
  service.settle();
  gateway.advance(seconds(600));
  service.settle();
  CHECK(gateway.pending_becomes(1));
  CHECK(slow.read_head().status == 200);
  while (!slow.read_chunk().ends_with('\n')) {}
  CHECK(service.read_text() == credit_for(call.id));
  SUBCASE("it goes on in time") {
    service.send_text(part_of(call.id, {3, 3}));
    CHECK(gateway.ended_becomes("answered", 0));
    while (!slow.read_chunk().empty()) {}
    CHECK(gateway.ended_becomes("answered", 1));
  }
  SUBCASE("from now on its time-out counts") {
    gateway.advance(seconds(10));
    CHECK(service.read_text() == cancel_of(call.id));
    while (!slow.read_chunk().empty()) {}
    CHECK(gateway.ended_becomes("timed-out", 1));
  }
}

TEST_CASE_TEMPLATE("parts in the wrong order are kept, which takes them", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto caller = gateway.caller();
  caller.call(request_text, as_bytes);
  auto const call = service.read_call();
  service.send_text(part_of(call.id, {4, 4}, "ZA=="));
  CHECK(service.read_text() == credit_for(call.id));
  service.send_text(part_of(call.id, {3, 4}, "Yw=="));
  CHECK(service.read_text() == credit_for(call.id));
  service.send_text(part_of(call.id, {2, 4}, "Yg=="));
  service.send_text(part_of(call.id, {1, 4}, "YQ=="));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "abcd");
  CHECK(service.hears_nothing());
}

TEST_CASE_TEMPLATE("the credit that a repeated part used comes back at once", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto slow = gateway.caller(Window::small);
  slow.call(request_text, as_lines);
  auto const call = service.read_call();
  service.send_text(part_of(call.id, {1, 3}, std::string(much, 'A')));
  for (int again = 0; again < 3; ++again) {
    send_parts(service, call.id, {1}, 3);
    CHECK(service.read_text() == credit_for(call.id));
  }
  CHECK(gateway.dropped_becomes("duplicate-part", 3));
  send_parts(service, call.id, {2}, 3);
  CHECK(service.hears_nothing());
  CHECK(slow.read_head().status == 200);
  while (!slow.read_chunk().ends_with('\n')) {}
  CHECK(service.read_text() == credit_for(call.id));
  send_parts(service, call.id, {3}, 3);
  while (!slow.read_chunk().empty()) {}
  CHECK(gateway.ended_becomes("answered", 1));
}

TEST_CASE_TEMPLATE("credits that wait to be sent become one message", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service(Window::small);
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  auto other = gateway.caller();
  other.call(request_of_size(much));
  CHECK(gateway.pending_becomes(2));
  send_parts(service, call.id, {1, 2}, 9);
  CHECK(caller.read_head().status == 200);
  CHECK_FALSE(caller.read_chunk().empty());
  CHECK_FALSE(caller.read_chunk().empty());
  // Whatever the caller's shard had to say has arrived by then.
  CHECK(gateway.pending_becomes(2));
  CHECK(service.read_text().size() > much);
  CHECK(service.read_text() == credit_for(call.id, 2));
  caller.stream().close();
  CHECK(service.read_text() == cancel_of(call.id));
}

TEST_CASE_TEMPLATE("a service is told when nobody waits for its answer any more", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto caller = gateway.caller();
  caller.call(request_text, {.query = "?timeout=2"});
  auto const call = service.read_call();
  SUBCASE("because its caller hung up") {
    caller.stream().close();
    CHECK(service.read_text() == cancel_of(call.id));
    CHECK(gateway.ended_becomes("cancelled", 1));
  }
  SUBCASE("because its time ran out") {
    gateway.advance(seconds(2));
    CHECK(service.read_text() == cancel_of(call.id));
    CHECK(caller.read_answer().status == 504);
  }
  SUBCASE("because a part was bad") {
    send_parts(service, call.id, {10}, 9);
    CHECK(service.read_text() == cancel_of(call.id));
    CHECK(caller.read_answer().status == 502);
  }
  // The connection lives on.
  auto next = gateway.caller();
  next.call();
  service.send_text(answer_to(service.read_call().id));
  CHECK(next.read_answer().status == 200);
  CHECK(service.hears_nothing());
}

TEST_CASE_TEMPLATE("a call of which nothing was sent is not cancelled at its service", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service(Window::small);
  auto first = gateway.caller();
  auto second = gateway.caller();
  first.call(request_of_size(much));
  CHECK(gateway.pending_becomes(1));
  second.call();
  CHECK(gateway.pending_becomes(2));
  second.stream().close();
  CHECK(gateway.ended_becomes("cancelled", 1));
  auto const call = service.read_call();
  service.send_text(answer_to(call.id));
  CHECK(first.read_answer().status == 200);
  CHECK(service.hears_nothing());
}

TEST_CASE_TEMPLATE("a thread that fetches parts gives credit for each", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.paced_service();
  auto const asked =
      std::async(std::launch::async, [&] { return handler.do_request(request_text, seconds(7)); });
  auto const call = service.read_call();
  CHECK(contains(call.text, R"("timeoutMs":7000,)"));
  send_parts(service, call.id, {1, 2}, 4);
  CHECK(service.read_text() == credit_for(call.id));
  CHECK(service.hears_nothing());
  CHECK(handler.get_response(call.id)->incomplete);
  CHECK(service.read_text() == credit_for(call.id));
  send_parts(service, call.id, {3, 4}, 4);
  CHECK(handler.get_response(call.id)->incomplete);
  CHECK_FALSE(handler.get_response(call.id)->incomplete);
  CHECK(service.hears_nothing());
}

TEST_CASE_TEMPLATE("a prepared request says the usual time-out", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto const service = gateway.paced_service();
  auto const prepared = handler.prepare_request(request_text);
  REQUIRE(prepared);
  CHECK(contains(prepared->message, R"("timeoutMs":60000,"cmd":)"));
}

TEST_CASE_TEMPLATE("before a drain, those who understand it are told", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto plain = gateway.service();
  auto paced = gateway.paced_service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = paced.read_call();
  gateway.gateway().shut_down(seconds(0));
  CHECK(paced.read_text() == R"({"cmd":"goaway"})");
  CHECK(plain.hears_nothing());
  paced.send_text(answer_to(call.id));
  CHECK(caller.read_answer().status == 200);
  gateway.join();
}

TEST_CASE_TEMPLATE("a service that was told to go has time to leave, and is waited for no longer", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto plain = gateway.service();
  auto leaving = gateway.paced_service();
  auto staying = gateway.paced_service();
  gateway.gateway().shut_down(seconds(0));
  for (auto* const told : {&leaving, &staying}) {
    CHECK(told->read_text() == R"({"cmd":"goaway"})");
    CHECK(told->hears_nothing());
  }
  CHECK(plain.hears_nothing());
  leaving.send({.opcode = Opcode::close, .payload = "\x03\xe9"});
  CHECK(leaving.read_close() == 1001);
  CHECK(staying.hears_nothing());
  SUBCASE("until all have left") {
    staying.send({.opcode = Opcode::close, .payload = "\x03\xe9"});
    CHECK(staying.read_close() == 1001);
  }
  SUBCASE("until the close time-out") {
    gateway.advance(seconds(2));
    CHECK(staying.read_close() == 1012);
  }
  CHECK(plain.read_close() == 1012);
  gateway.join();
}

TEST_CASE_TEMPLATE("a part of an answer that nobody waits for is answered with its cancel", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  auto plain = gateway.service();
  service.send_text(part_of(CallId{5}, {1, 3}));
  plain.send_text(part_of(CallId{5}, {1, 3}));
  CHECK(service.read_text() == cancel_of(CallId{5}));
  CHECK(service.hears_nothing());
  CHECK(plain.hears_nothing());
}

TEST_CASE_TEMPLATE("nobody else can say to a service what only the gateway says", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.paced_service();
  ScriptedService user(gateway.port(), "wsUser");
  auto caller = gateway.caller();
  for (std::string const& words :
       {cancel_of(CallId{7}), credit_for(CallId{7}, 9), std::string(R"({"c\u006dd":"\u0067oaway"})")}) {
    CAPTURE(words);
    caller.request("POST", "/v1/endpoints/wsData/messages", words);
    auto const answer = caller.read_answer();
    CHECK(answer.status == 400);
    CHECK(answer.says("/problems/bad-message"));
    auto const sent = gateway.state().send_websocket_message("wsData", words);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().problem == Problem::bad_message);
    CHECK(gateway.state().send_websocket_message("wsUser", words)->delivered == 1);
    CHECK(user.read_text() == words);
  }
  CHECK(service.hears_nothing());
}

TEST_CASE("a call that was prepared and never sent is not cancelled at its service") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.paced_service();
  RequestHandler handler("wsData", gateway.gateway());
  REQUIRE(handler.prepare_request(request_text).has_value());
  handler.close_pending_requests();
  CHECK(service.hears_nothing());
}
