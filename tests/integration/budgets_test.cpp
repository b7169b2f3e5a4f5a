// Bounds on what all peers together make the gateway hold while it receives.
#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

/// Bodies are counted in steps of 64 KiB, and of the last 64 KiB that are read nothing is counted: of this
/// one at least three steps, of which only five are there.
constexpr std::size_t body_budget = 5 * 64 * 1024;
constexpr std::size_t near_budget = 300 * 1024;
constexpr std::size_t over_budget = 600 * 1024;

Config with_small_body_budget(Config config) {
  config.limits.body_budget = body_budget;
  return config;
}

constexpr std::size_t receive_budget = 1 << 20;
constexpr std::size_t over_half = 600 * 1024;
/// More than the kernel keeps for a gateway that does not read.
constexpr std::size_t too_much_to_wait = 12u << 20;

Config with_small_receive_budget(Config config) {
  config.limits.receive_budget = receive_budget;
  return config;
}

/// An answer of about `size` bytes in two frames, of which the first has nearly all.
struct SplitAnswer {
  SplitAnswer(SeenCall const& call, std::size_t size)
      : beginning{.opcode = Opcode::text,
                  .fin = Fin::more_follow,
                  .payload = answer_to(call.id, std::string(size, 'A'))},
        end{.opcode = Opcode::continuation, .fin = Fin::last, .payload = beginning.payload.substr(size)} {
    beginning.payload.resize(size);
  }
  Frame beginning;
  Frame end;
};

/// A call whose service is `service`, which is the newest one.
SeenCall call_by(ScriptedCaller& caller, ScriptedService& service) {
  caller.call();
  return service.read_call();
}

}  // namespace

TEST_CASE_TEMPLATE("a body counts against the budget of bodies until the endpoint has it", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_body_budget(Shards::config()));
  auto service = gateway.service();
  auto first = gateway.caller();
  first.call(request_of_size(near_budget));
  auto const pending = service.read_call();
  // The figures are asked of every shard: so the one that handed the call on has gone on from there.
  CHECK(gateway.pending_becomes(1));

  auto second = gateway.caller();
  second.call(request_of_size(near_budget));
  service.send_text(answer_to(service.read_call().id));
  CHECK(second.read_answer().status == 200);
  service.send_text(answer_to(pending.id));
  CHECK(first.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("a body over the budget of bodies is refused as overloaded, and nothing of it is kept",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(with_small_body_budget(Shards::config()));
  auto service = gateway.service();
  for (int i = 0; i < 3; ++i) {
    auto greedy = gateway.caller();
    auto const refused = greedy.ask(request_of_size(over_budget));
    CHECK(refused.status == 503);
    CHECK(refused.says("/problems/overloaded"));
    CHECK(refused.says(R"("delivery":"not-sent")"));
    CHECK_FALSE(refused.field("Retry-After").empty());
    CHECK(greedy.stream().at_end());
  }
  auto modest = gateway.caller();
  modest.call(request_of_size(near_budget));
  service.send_text(answer_to(service.read_call().id));
  CHECK(modest.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("over the budget of messages being received, the connection that takes more is closed",
                   Shards, OneShard, FourShards) {
  GatewayFixture gateway(with_small_receive_budget(Shards::config()));
  auto patient = gateway.service();
  auto patient_caller = gateway.caller();
  SplitAnswer const answer(call_by(patient_caller, patient), over_half);
  patient.send(answer.beginning);
  patient.settle();
  auto greedy = gateway.service();
  auto greedy_caller = gateway.caller();
  greedy.send(SplitAnswer(call_by(greedy_caller, greedy), over_half).beginning);
  CHECK(greedy.read_close() == 1013);
  auto const refused = greedy_caller.read_answer();
  CHECK(refused.status == 502);
  CHECK(refused.says("/problems/service-closed"));

  // The other one is not disturbed: its message is still taken to its end, and so is a new one's.
  patient.send(answer.end);
  CHECK(patient_caller.read_answer().status == 200);
  auto next = gateway.service();
  SplitAnswer const next_answer(call_by(greedy_caller, next), over_half);
  next.send(next_answer.beginning);
  next.send(next_answer.end);
  CHECK(greedy_caller.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("what a connection sends that was closed as too much is thrown away", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_small_receive_budget(Shards::config()));
  auto service = gateway.service();
  auto caller = gateway.caller();
  auto const call = call_by(caller, service);
  std::string const answer = bytes_of({.payload = answer_to(call.id, std::string(too_much_to_wait, 'A'))});
  service.stream().write(answer.substr(0, 2 * receive_budget));
  auto const close = service.read_frame();
  CHECK(close.opcode == Opcode::close);
  CHECK(close.payload.starts_with("\x03\xf5"));  // 1013
  CHECK(caller.read_answer().says("/problems/service-closed"));

  // The gateway goes on to read, or nobody would take this; but it is no message any more, and neither is
  // what follows it.
  service.stream().write(answer.substr(2 * receive_budget));
  service.send_text(answer_to(call.id));
  service.stream().close();
  // The connection counts until its last byte is read; the one left is that of the question itself.
  caller.stream().close();
  CHECK(gateway.metric_becomes(R"(reachback_budget_used{budget="connections"})", 1));
  CHECK(gateway.metric(R"(reachback_received_messages_total{endpoint="wsData"})") == 0);
}
