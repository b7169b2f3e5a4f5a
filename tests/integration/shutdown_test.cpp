// The gateway ends wherever its coroutines wait. Each case leaves something waiting; the fixture's own end is
// what is tested, and that everything that was counted is given back.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "reachback/request_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

constexpr std::size_t too_much_to_send = 8u << 20;

/// Asks for the orderly end without its first wait, and sees to it that draining has begun.
void begin_to_drain(GatewayFixture& gateway) {
  gateway.gateway().shut_down(seconds(0));
  REQUIRE(wait_until([&] {
    gateway.advance(std::chrono::milliseconds(1));
    return gateway.logged("draining: no new calls");
  }));
}

/// Begins a call and sends half of its message. The gateway has looked at its head when this returns: it asks
/// for the message.
ScriptedCaller half_a_call(GatewayFixture const& gateway) {
  auto caller = gateway.caller();
  caller.send(
      "POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer test\r\n"
      "Expect: 100-continue\r\nContent-Length: 13\r\n\r\n");
  CHECK(caller.read_head().status == 100);
  caller.send("{\"cmd\"");
  return caller;
}

void send_other_half(ScriptedCaller& caller) { caller.send(":\"rpc\"}"); }

/// Idle connections, one on each shard: connections go to the shards in turn.
class IdleOnEachShard {
 public:
  explicit IdleOnEachShard(GatewayFixture const& gateway) {
    for (auto& caller : callers_) {
      caller.emplace(gateway.caller());
      CHECK(caller->get("/livez").status == 200);
    }
  }
  /// They are closed when their shard begins to end its sessions, all of which have their deadlines then.
  void wait_for_end_of_sessions() {
    for (auto& caller : callers_) CHECK(caller->stream().at_end());
  }

 private:
  std::array<std::optional<ScriptedCaller>, 4> callers_;
};

/// Answers the gateway's close frame and goes.
void leave(ScriptedService service) { CHECK(service.read_close() == 1012); }

}  // namespace

TEST_CASE_TEMPLATE("the gateway ends while sessions wait for requests", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto fresh = gateway.caller();
  auto used = gateway.caller();
  CHECK(used.get("/livez").status == 200);
  auto half_head = gateway.caller();
  half_head.send("POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: gate");
  auto half_body = gateway.caller();
  half_body.send(
      "POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: gateway\r\n"
      "Authorization: Bearer test\r\nContent-Length: 100\r\n\r\n{\"cmd\"");
  // So that all of them are accepted and read.
  CHECK(gateway.metric_becomes(R"(reachback_budget_used{budget="connections"})", 5));
  gateway.stop();
  CHECK(fresh.stream().at_end());
  CHECK(used.stream().at_end());
  CHECK(half_head.stream().read_to_end().find("200") == std::string::npos);
  CHECK(half_body.stream().read_to_end().find("200") == std::string::npos);
}

TEST_CASE_TEMPLATE("who has connected before the end and asks only then is told that nothing was sent",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  IdleOnEachShard others(gateway);
  std::vector<ScriptedCaller> fresh;
  for (int i = 0; i < 8; ++i) fresh.push_back(gateway.caller());
  begin_to_drain(gateway);
  others.wait_for_end_of_sessions();
  for (auto& caller : fresh) {
    auto const answer = caller.ask();
    CHECK(answer.status == 503);
    CHECK(answer.says(R"("delivery":"not-sent")"));
    CHECK(caller.stream().at_end());
  }
  gateway.join();
}

TEST_CASE_TEMPLATE("the gateway ends while calls wait, and each caller is told", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto thread = std::async(std::launch::async, [&] { return handler.do_request(request_text); });
  (void)service.read_call();
  auto const prepared = handler.prepare_request(request_text);
  REQUIRE(prepared);
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();

  gateway.gateway().stop_now();
  auto const response = value_of(thread);
  REQUIRE(response);
  CHECK(response->message.find(R"("status":499)") != std::string::npos);
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-closed"));
  CHECK(service.read_close() == 1012);
  gateway.join();
  // What comes too late is refused at once.
  auto const late = handler.do_request(request_text);
  REQUIRE_FALSE(late);
  CHECK(late.error().problem == Problem::draining);
  CHECK_FALSE(handler.get_response(prepared->call_id));
  CHECK_FALSE(handler.callback(prepared->connection, answer_to(prepared->call_id)));
  CHECK(handler.prune_callbacks() == 0);
  handler.close_pending_requests();
}

TEST_CASE_TEMPLATE("the gateway ends while answers are streamed", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto lines = gateway.caller();
  lines.call(request_text, as_lines);
  service.send_text(part_of(service.read_call().id, {1, 2}));
  CHECK(lines.read_head().status == 200);
  CHECK_FALSE(lines.read_chunk().empty());
  auto merged = gateway.caller();
  merged.call();
  service.send_text(part_of(service.read_call().id, {1, 2}));
  CHECK(merged.read_head().status == 200);
  auto stuck = gateway.caller(Window::small);
  stuck.call(request_text, as_lines);
  service.send_text(answer_to(service.read_call().id, std::string(too_much_to_send, 'A')));
  service.settle();

  gateway.stop();
  CHECK(lines.read_chunk().find(R"("status":499)") != std::string::npos);
  CHECK(lines.read_chunk().empty());
  CHECK_FALSE(merged.stream().read_to_end().ends_with("0\r\n\r\n"));
  CHECK(stuck.stream().read_to_end().size() < too_much_to_send);
}

TEST_CASE_TEMPLATE("the gateway ends while events are streamed", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto all = gateway.caller();
  all.request("GET", "/v1/events");
  CHECK(all.read_head().status == 200);
  auto one = gateway.caller();
  one.request("GET", "/v1/endpoints/wsData/events");
  CHECK(one.read_head().status == 200);
  auto service = gateway.service();
  CHECK(all.read_chunk() == ": connected\n\n");
  CHECK(all.read_chunk().starts_with("event: open\n"));
  gateway.stop();
  CHECK(all.stream().read_to_end().ends_with("0\r\n\r\n"));
  CHECK(one.stream().read_to_end().ends_with("0\r\n\r\n"));
}

TEST_CASE_TEMPLATE("the gateway ends while connections are in the middle of something", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto half_frame = gateway.service();
  half_frame.stream().write(bytes_of({.payload = std::string(100, 'x')}).substr(0, 50));
  auto half_message = gateway.service();
  half_message.send({.opcode = Opcode::text, .fin = Fin::more_follow, .payload = "{"});
  half_message.settle();
  auto closing = gateway.service("wsSubject");
  // The peer does not answer the close frame.
  CHECK(gateway.state().close_all_connections() == 3);
  auto closed = gateway.service("wsUser");
  closed.send({.opcode = Opcode::close, .payload = "\x03\xe8"});
  CHECK(closed.read_frame().opcode == Opcode::close);
  auto deaf = gateway.service("wsData", Window::small);
  auto caller = gateway.caller();
  caller.call(request_of_size(too_much_to_send));
  CHECK(gateway.pending_becomes(1));
  auto turned_away = TcpStream(gateway.port());
  turned_away.write(
      "GET /wsData HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK(turned_away.read_until("\r\n\r\n").find(" 101 ") != std::string::npos);

  gateway.stop();
  CHECK(caller.read_answer().says("/problems/service-closed"));
  CHECK(closing.read_close() == 4000);
}

TEST_CASE_TEMPLATE("an orderly end lets a pending call be answered and refuses new ones", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  begin_to_drain(gateway);

  auto late = gateway.caller();
  auto const refused = late.ask();
  CHECK(refused.status == 503);
  CHECK(refused.says("/problems/draining"));
  CHECK(refused.says(R"("delivery":"not-sent")"));
  CHECK(refused.field("Connection") == "close");
  auto const by_thread = handler.do_request(request_text);
  REQUIRE_FALSE(by_thread);
  CHECK(by_thread.error().problem == Problem::draining);
  auto probe = gateway.caller();
  CHECK(probe.get("/readyz").status == 503);
  CHECK_THROWS((void)gateway.service());

  service.send_text(answer_to(call.id));
  CHECK(caller.read_answer().status == 200);
  CHECK(service.read_close() == 1012);
  gateway.join();
}

TEST_CASE_TEMPLATE("an orderly end waits no longer than the grace", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();
  begin_to_drain(gateway);
  gateway.advance(seconds(19));
  service.settle();
  CHECK(gateway.pending_becomes(1));
  gateway.join();
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-closed"));
}

TEST_CASE_TEMPLATE("a call whose message comes only when the gateway drains is refused by the endpoint",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  // It keeps the drain in its grace, with the endpoint as able to take calls as ever.
  auto pending = gateway.caller();
  pending.call();
  auto const call = service.read_call();
  auto tardy = half_a_call(gateway);
  begin_to_drain(gateway);
  send_other_half(tardy);
  auto const refused = tardy.read_answer();
  CHECK(refused.status == 503);
  CHECK(refused.says("/problems/draining"));
  CHECK(refused.says(R"("delivery":"not-sent")"));
  CHECK(gateway.pending_becomes(1));
  CHECK(gateway.metric(R"(reachback_sent_messages_total{endpoint="wsData"})") == 1);
  service.send_text(answer_to(call.id));
  CHECK(pending.read_answer().status == 200);
}

TEST_CASE_TEMPLATE(
    "when the connections are closed, a request without an answer has the time of a handshake left", Shards,
    OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto just_in_time = half_a_call(gateway);
  auto too_late = half_a_call(gateway);
  IdleOnEachShard idle(gateway);
  begin_to_drain(gateway);
  leave(std::move(service));
  idle.wait_for_end_of_sessions();

  gateway.advance(std::chrono::milliseconds(1999));
  send_other_half(just_in_time);
  CHECK(just_in_time.read_answer().says("/problems/draining"));
  gateway.advance(std::chrono::milliseconds(1));
  CHECK(too_late.stream().at_end());
  gateway.join();
}

TEST_CASE_TEMPLATE("an answer that a slow caller is reading has the rest of the grace", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto const begin_answer = [&](ScriptedCaller& caller) {
    caller.call();
    service.send_text(answer_to(service.read_call().id, std::string(too_much_to_send, 'A')));
    CHECK(caller.read_head().status == 200);
  };
  auto slow = gateway.caller(Window::small);
  auto stuck = gateway.caller(Window::small);
  begin_answer(slow);
  begin_answer(stuck);
  CHECK(gateway.pending_becomes(0));
  IdleOnEachShard idle(gateway);
  begin_to_drain(gateway);
  leave(std::move(service));
  idle.wait_for_end_of_sessions();

  gateway.advance(seconds(19));
  auto const whole = slow.stream().read_to_end();
  CHECK(whole.size() > too_much_to_send);
  CHECK(whole.ends_with("A\"}"));
  gateway.advance(seconds(1));
  CHECK(stuck.stream().read_to_end().size() < too_much_to_send);
  gateway.join();
}

TEST_CASE_TEMPLATE("a caller whose call is cut off by the end is told, and its connection closes", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();
  SUBCASE("by the grace") {
    begin_to_drain(gateway);
    // Its answer comes when the grace has its end.
    CHECK(gateway.pending_becomes(1));
    gateway.advance(seconds(20));
  }
  SUBCASE("by an end at once") { gateway.gateway().stop_now(); }
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-closed"));
  CHECK(answer.says("shutting down"));
  leave(std::move(service));
  // No time passes: it is not the idle time that closes it, and nothing comes behind the answer.
  CHECK(caller.stream().at_end());
}

TEST_CASE_TEMPLATE("a second, impatient end cuts the orderly one short", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();
  gateway.gateway().shut_down(std::chrono::hours(1));
  REQUIRE(wait_until([&] { return gateway.logged("not ready any more"); }));
  auto probe = gateway.caller();
  CHECK(probe.get("/readyz").status == 503);
  // Not draining yet: calls are taken as before.
  auto other = gateway.caller();
  other.call();
  service.send_text(answer_to(service.read_call().id));
  CHECK(other.read_answer().status == 200);
  gateway.stop();
  CHECK(caller.read_answer().says("/problems/service-closed"));
}

TEST_CASE_TEMPLATE("a gateway that nobody used ends", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  SUBCASE("at once") { gateway.gateway().stop_now(); }
  SUBCASE("in order") { gateway.gateway().shut_down(seconds(5)); }
  gateway.join();
  CHECK_THROWS_AS(TcpStream(gateway.port()), StreamEnded);
}

TEST_CASE("a gateway that was never started dies quietly") {
  Gateway gateway(OneShard::config());
  gateway.stop_now();
  gateway.wait();
  CHECK_THROWS_AS(Gateway(config_with_threads(0)), StartError);
}

TEST_CASE("a port in use is told when the gateway starts") {
  GatewayFixture first(OneShard::config());
  auto config = OneShard::config();
  config.port = first.port();
  Gateway second(config);
  CHECK_THROWS_AS(second.start(), StartError);
}
