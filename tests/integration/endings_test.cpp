// A call ends exactly once, whatever comes first: seen by its caller, by the counters, and by the next call.
#include <doctest/doctest.h>

#include <functional>
#include <thread>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

constexpr AskedCall within_a_second{.endpoint = "wsData", .query = "?timeout=1"};
constexpr int rounds = 30;

/// Two things at the same moment, in whatever order.
void together(std::function<void()> const& one, std::function<void()> const& other) {
  std::jthread const thread(one);
  other();
}

}  // namespace

TEST_CASE_TEMPLATE("an answer before the deadline wins, one after it is dropped", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, within_a_second);
  auto const in_time = service.read_call();
  gateway.advance(std::chrono::milliseconds(999));
  service.send_text(answer_to(in_time.id));
  service.settle();
  gateway.advance(seconds(1));
  CHECK(caller.read_answer().status == 200);

  caller.call(request_text, within_a_second);
  auto const late = service.read_call();
  gateway.advance(seconds(1));
  CHECK(gateway.pending_becomes(0));
  service.send_text(answer_to(late.id));
  CHECK(caller.read_answer().status == 504);
  CHECK(gateway.dropped_becomes("unknown-call", 1));
  CHECK(gateway.ended_becomes("answered", 1));
  CHECK(gateway.ended_becomes("timed-out", 1));
}

TEST_CASE_TEMPLATE("an answer and the deadline at one moment end the call once", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  unsigned answered = 0;
  for (int i = 0; i < rounds; ++i) {
    caller.call(request_text, within_a_second);
    auto const call = service.read_call();
    together([&] { gateway.advance(seconds(1)); }, [&] { service.send_text(answer_to(call.id)); });
    auto const answer = caller.read_answer();
    CHECK((answer.status == 200 || answer.status == 504));
    // Nothing of an earlier round comes in a later one.
    CHECK(answer.says(std::to_string(to_number(call.id))));
    answered += answer.status == 200 ? 1 : 0;
  }
  CHECK(gateway.ended_becomes("answered", answered));
  CHECK(gateway.ended_becomes("timed-out", rounds - answered));
  CHECK(gateway.dropped_becomes("unknown-call", rounds - answered));
  CHECK(gateway.pending_becomes(0));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("two calls with one deadline both end at it", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto first = gateway.caller();
  auto second = gateway.caller();
  first.call(request_text, within_a_second);
  (void)service.read_call();
  second.call(request_text, within_a_second);
  (void)service.read_call();
  gateway.advance(seconds(1));
  CHECK(first.read_answer().status == 504);
  CHECK(second.read_answer().status == 504);
  CHECK(gateway.ended_becomes("timed-out", 2));
}

TEST_CASE_TEMPLATE("an answer and the service's end at one moment end the call once", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto caller = gateway.caller();
  unsigned answered = 0;
  for (int i = 0; i < rounds; ++i) {
    auto service = gateway.service();
    caller.call();
    auto const call = service.read_call();
    together([&] { gateway.state().close_all_connections(); },
             [&] { service.send_text(answer_to(call.id)); });
    auto const answer = caller.read_answer();
    CHECK((answer.status == 200 || answer.status == 502));
    CHECK(answer.says(std::to_string(to_number(call.id))));
    answered += answer.status == 200 ? 1 : 0;
  }
  CHECK(gateway.ended_becomes("answered", answered));
  CHECK(gateway.ended_becomes("service-closed", rounds - answered));
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("parts that came before a close are delivered before it counts", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  service.stream().write(bytes_of({.opcode = Opcode::text, .payload = part_of(call.id, {1, 2}, "b25l")}) +
                         bytes_of({.opcode = Opcode::close, .payload = "\x03\xe8"}));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.says("b25l"));
  CHECK(answer.body.find("b25l") < answer.body.find(R"("status":499)"));
}

TEST_CASE_TEMPLATE("a hang-up ends the call, and its answer is dropped", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  SUBCASE("by closing") { caller.stream().close(); }
  SUBCASE("by a reset") { caller.stream().reset(); }
  SUBCASE("by a half-close") {
    caller.stream().shut_down_writing();
    CHECK(caller.stream().at_end());
  }
  CHECK(gateway.pending_becomes(0));
  CHECK(gateway.ended_becomes("cancelled", 1));
  service.send_text(answer_to(call.id));
  CHECK(gateway.dropped_becomes("unknown-call", 1));
}

TEST_CASE_TEMPLATE("a hang-up after the answer came changes nothing", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  for (int i = 0; i < rounds; ++i) {
    auto caller = gateway.caller();
    caller.call();
    auto const call = service.read_call();
    together([&] { caller.stream().reset(); }, [&] { service.send_text(answer_to(call.id)); });
    service.settle();
  }
  CHECK(gateway.pending_becomes(0));
  auto const ended = [&](std::string const& outcome) {
    return gateway.metric(R"(reachback_calls_total{endpoint="wsData",outcome=")" + outcome + "\"}");
  };
  CHECK(wait_until([&] { return ended("answered") + ended("cancelled") == rounds; }));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("the time-out counts anew for each part of a stream", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, {.query = "?timeout=10", .accept = "application/x-ndjson"});
  auto const call = service.read_call();
  CHECK(call.id != CallId{});
  for (unsigned part = 1; part <= 3; ++part) {
    gateway.advance(seconds(9));
    service.send_text(part_of(call.id, {part, 4}));
    if (part == 1) CHECK(caller.read_head().status == 200);
    CHECK(caller.read_chunk() == part_of(call.id, {part, 4}) + "\n");
  }
  gateway.advance(seconds(10));
  CHECK(caller.read_chunk().find(R"("status":504)") != std::string::npos);
  CHECK(caller.read_chunk().empty());
  CHECK(gateway.ended_becomes("timed-out", 1));
}

TEST_CASE_TEMPLATE("wrong parts end the call, a repeated one is dropped", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  service.send_text(part_of(call.id, {1, 3}));
  service.send_text(part_of(call.id, {1, 3}));
  CHECK(gateway.dropped_becomes("duplicate-part", 1));
  service.send_text(part_of(call.id, {4, 3}));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.says(R"("status":502)"));
  CHECK(gateway.ended_becomes("bad-answer", 1));
  CHECK(gateway.pending_becomes(0));
}
