#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr unsigned many_parts = 1000;
constexpr std::size_t part_size = 64 * 1024;

Config with_small_budget(Config config) {
  config.limits.call_budget = 4 * part_size;
  return config;
}

/// Sends parts, each of them read in by the gateway, until the call is over.
unsigned send_until_it_ends(GatewayFixture& gateway, ScriptedService& service, CallId call) {
  std::string const data(part_size, 'A');
  unsigned sent = 0;
  auto const pending = R"(reachback_calls_in_flight{endpoint="wsData"})";
  while (sent < many_parts && gateway.metric(pending) != 0) {
    service.send_text(part_of(call, {++sent, many_parts + 1}, data));
    service.settle();
  }
  return sent;
}

}  // namespace

TEST_CASE_TEMPLATE("a slow caller ends alone, a fast one on the same service goes on", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_budget(Shards::config()));
  auto service = gateway.service();
  auto slow = gateway.caller(Window::small);
  auto fast = gateway.caller();
  slow.call(request_text, as_lines);
  auto const slow_call = service.read_call();
  unsigned const sent = send_until_it_ends(gateway, service, slow_call.id);
  CHECK(sent < many_parts);
  CHECK(gateway.state().connections("wsData")->size() == 1);

  // Its later parts are dropped.
  service.send_text(part_of(slow_call.id, {sent + 1, many_parts + 1}));
  CHECK(gateway.dropped_becomes("unknown-call", 1));

  // The fast one gets more than the budget, since it reads.
  fast.call(request_text, as_lines);
  auto const fast_call = service.read_call();
  std::string const data(part_size, 'B');
  for (unsigned part = 1; part <= 16; ++part) {
    auto const text = part_of(fast_call.id, {part, 16}, data);
    service.send_text(text);
    if (part == 1) CHECK(fast.read_head().status == 200);
    CHECK(fast.read_chunk() == text + "\n");
  }
  CHECK(fast.read_chunk().empty());

  auto const answer = slow.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.says(R"("status":502)"));
  CHECK(gateway.ended_becomes("slow-caller", 1));
  CHECK(gateway.ended_becomes("answered", 1));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a slow caller of one message learns it by a body that breaks off", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_budget(Shards::config()));
  auto service = gateway.service();
  auto slow = gateway.caller(Window::small);
  slow.call();
  auto const call = service.read_call();
  CHECK(send_until_it_ends(gateway, service, call.id) < many_parts);
  CHECK(slow.read_head().field("Transfer-Encoding") == "chunked");
  CHECK_FALSE(slow.stream().read_to_end().ends_with("0\r\n\r\n"));
  CHECK(gateway.ended_becomes("slow-caller", 1));
}

TEST_CASE_TEMPLATE("parts that wait for an earlier one count against the budget", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_budget(Shards::config()));
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  std::string const data(part_size, 'A');
  for (unsigned part = 2; part <= 6; ++part) service.send_text(part_of(call.id, {part, 7}, data));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/slow-caller"));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a part larger than the budget passes when nothing else waits", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_budget(Shards::config()));
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  service.send_text(answer_to(call.id, std::string(16 * part_size, 'A')));
  CHECK(caller.read_answer().status == 200);
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("the budget of all callers together is bounded as well", Shards, OneShard, FourShards) {
  auto config = Shards::config();
  config.limits.parts_budget = 2 * part_size;
  GatewayFixture gateway(config);
  auto service = gateway.service();
  auto first = gateway.caller();
  auto second = gateway.caller();
  std::string const data(part_size, 'A');
  first.call();
  auto const first_call = service.read_call();
  second.call();
  auto const second_call = service.read_call();
  // Both hold a part that waits for the one before it.
  service.send_text(part_of(first_call.id, {2, 3}, data));
  service.send_text(part_of(second_call.id, {2, 3}, data));
  auto const refused = second.read_answer();
  CHECK(refused.status == 502);
  CHECK(refused.says("/problems/slow-caller"));
  service.send_text(part_of(first_call.id, {1, 3}));
  CHECK(first.read_head().status == 200);
  service.send_text(part_of(first_call.id, {3, 3}));
  CHECK(gateway.ended_becomes("answered", 1));
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a caller that reads nothing for too long is given up", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto stuck = gateway.caller(Window::small);
  stuck.call(request_text, {.query = "?timeout=3600", .accept = "application/x-ndjson"});
  auto const call = service.read_call();
  std::string const data(12u << 20, 'A');
  service.send_text(part_of(call.id, {1, 2}, data));
  // The 30 s count from when the kernel takes no more, which cannot be seen from here.
  int passed = 0;
  while (gateway.metric(R"(reachback_calls_in_flight{endpoint="wsData"})") != 0 && passed < 3500) {
    gateway.advance(std::chrono::seconds(1));
    ++passed;
  }
  CHECK(passed >= 30);
  CHECK(passed < 3500);
  CHECK(gateway.ended_becomes("cancelled", 1));
  CHECK(gateway.budgets_return());
}
