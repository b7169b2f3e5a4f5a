// What the original does wrong (proto/README.md): one test for each fault that ours must not have.
#include <doctest/doctest.h>

#include "reachback/request_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

TEST_CASE_TEMPLATE("callers of a service that dies are told at once", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto threads = std::async(std::launch::async, [&] { return handler.do_request(request_text); });
  (void)service.read_call();
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();
  service.stream().close();

  auto const response = value_of(threads);
  REQUIRE(response);
  CHECK(response->message.find(R"("status":499)") != std::string::npos);
  CHECK(response->message.find("Client closed connection") != std::string::npos);
  CHECK_FALSE(response->incomplete);
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-closed"));
}

TEST_CASE_TEMPLATE("close_pending_requests ends the calls that threads wait for", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto first = std::async(std::launch::async, [&] { return handler.do_request(request_text); });
  (void)service.read_call();
  auto second = std::async(std::launch::async, [&] { return handler.do_request(request_text); });
  (void)service.read_call();

  handler.close_pending_requests();
  for (auto* const waiting : {&first, &second}) {
    auto const response = value_of(*waiting);
    REQUIRE(response);
    CHECK(response->message.find(R"("status":499)") != std::string::npos);
  }
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("close_all_connections closes every connection of every endpoint", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  ScriptedService peers[] = {gateway.service("wsData"), gateway.service("wsData"),
                             gateway.service("wsSubject"), gateway.service("wsUser")};
  CHECK(gateway.state().close_all_connections() == 4);
  for (auto const& name : gateway.state().endpoints()) {
    CAPTURE(name);
    CHECK(gateway.state().connections(name)->empty());
  }
  for (auto& peer : peers) CHECK(peer.read_close() == 4000);
}

TEST_CASE_TEMPLATE("a call whose frame cannot be sent ends without its time-out", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  service.stream().reset();
  // The gateway may learn of the reset before the call or by it: the call ends either way.
  auto const answer = caller.ask();
  CAPTURE(answer.body);
  CHECK((answer.status == 502 || answer.status == 503));
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("a call that timed out is gone at once, and its late answer is counted and dropped",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, {.query = "?timeout=5"});
  auto const late = service.read_call();
  gateway.advance(std::chrono::seconds(5));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 504);
  CHECK(answer.says("/problems/timed-out"));
  CHECK(answer.says("Example"));
  CHECK(gateway.pending_becomes(0));
  CHECK(gateway.budgets_return());

  service.send_text(answer_to(late.id, "bGF0"));
  CHECK(gateway.dropped_becomes("unknown-call", 1));
  // The next call of the same caller gets its own answer.
  caller.call();
  service.send_text(answer_to(service.read_call().id, "bmV3"));
  auto const next = caller.read_answer();
  CHECK(next.status == 200);
  CHECK(next.says("bmV3"));
}

TEST_CASE_TEMPLATE("a time-out of a thread's call names the request without its payload", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto waiting = std::async(std::launch::async, [&] {
    return handler.do_request(R"({"cmd":"rpc","attribute":"save","args":["secret"]})",
                              std::chrono::seconds(3));
  });
  (void)service.read_call();
  // The time counts from when the thread begins to wait, which cannot be seen from here.
  while (waiting.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    gateway.advance(std::chrono::seconds(1));
  }
  auto const response = waiting.get();
  REQUIRE_FALSE(response);
  CHECK(response.error().problem == Problem::timed_out);
  CHECK(response.error().detail.find("save") != std::string::npos);
  CHECK(response.error().detail.find("secret") == std::string::npos);
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("only the connection that a call went to can answer it", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto older = gateway.service();
  auto newest = gateway.service();
  auto elsewhere = gateway.service("wsSubject");
  auto caller = gateway.caller();
  caller.call();
  auto const call = newest.read_call();

  older.send_text(answer_to(call.id, "d3Jvbmc="));
  CHECK(gateway.dropped_becomes("wrong-connection", 1));
  elsewhere.send_text(answer_to(call.id, "d3Jvbmc="));
  CHECK(gateway.metric_becomes(
      R"(reachback_dropped_messages_total{endpoint="wsSubject",reason="unknown-call"})", 1));
  newest.send_text(answer_to(call.id, "cmlnaHQ="));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.says("cmlnaHQ="));
}

TEST_CASE_TEMPLATE("what waits for a slow client is bounded: it is closed, the others go on", Shards,
                   OneShard, FourShards) {
  auto config = Shards::config();
  config.limits.outbox = 1 << 20;
  GatewayFixture gateway(config);
  auto slow = gateway.service("wsUser", Window::small);
  auto fast = gateway.service("wsUser");
  std::string const message = R"({"text":")" + std::string(512 * 1024, 'x') + R"("})";
  std::size_t dropped = 0;
  std::size_t posts = 0;
  while (dropped == 0 && posts < 100) {
    auto const count = gateway.state().send_websocket_message("wsUser", message);
    REQUIRE(count);
    CHECK(count->delivered + count->dropped == 2);
    dropped = count->dropped;
    ++posts;
    CHECK(fast.read_text() == message);
  }
  CHECK(dropped == 1);
  CHECK(gateway.state().connections("wsUser")->size() == 1);
  CHECK(slow.read_close() == 4408);
  CHECK(gateway.budgets_return());
}
