// How far the frame of a failed call got: only `not-sent` is safe to repeat.
#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

/// More than the kernel takes of a peer that doesn't read.
constexpr std::size_t too_much_to_send = 8u << 20;
constexpr AskedCall within_a_second{.endpoint = "wsData", .query = "?timeout=1"};

}  // namespace

TEST_CASE_TEMPLATE("a call that still waits in the outbox at its time-out was not sent, and never is", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service("wsData", Window::small);
  auto first = gateway.caller();
  auto second = gateway.caller();
  first.call(request_of_size(too_much_to_send), {.query = "?timeout=2"});
  CHECK(gateway.pending_becomes(1));
  second.call(R"({"cmd":"rpc","args":["forgotten"]})", within_a_second);
  CHECK(gateway.pending_becomes(2));
  gateway.advance(seconds(1));
  auto const waited = second.read_answer();
  CHECK(waited.status == 504);
  CHECK(waited.says(R"("delivery":"not-sent")"));
  gateway.advance(seconds(1));
  auto const begun = first.read_answer();
  CHECK(begun.status == 504);
  CHECK(begun.says(R"("delivery":"unknown")"));

  // The service reads on: a frame that has begun is ended, the one that waited has gone.
  CHECK(service.read_call().text.size() > too_much_to_send);
  first.call(R"({"cmd":"rpc","args":["next"]})");
  auto const next = service.read_call();
  CHECK(next.text.find("next") != std::string::npos);
  service.send_text(answer_to(next.id));
  CHECK(first.read_answer().status == 200);
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a call whose frame the service has acknowledged was sent", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, within_a_second);
  (void)service.read_call();
  // What the peer sends carries its acknowledgement.
  service.settle();
  gateway.advance(seconds(1));
  CHECK(caller.read_answer().says(R"("delivery":"sent")"));
}

TEST_CASE_TEMPLATE("a call of which a part came was sent", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  service.send_text(part_of(call.id, {2, 2}));
  service.send_text(part_of(call.id, {9, 2}));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/bad-answer"));
  CHECK(answer.says(R"("delivery":"sent")"));
}

TEST_CASE_TEMPLATE("a call that found nobody was not sent", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto caller = gateway.caller();
  auto const nobody = caller.ask();
  CHECK(nobody.status == 503);
  CHECK(nobody.says(R"("delivery":"not-sent")"));
  auto const gone = caller.ask(request_text, {.query = "?connection=7"});
  CHECK(gone.status == 404);
  CHECK(gone.says(R"("delivery":"not-sent")"));
}

TEST_CASE_TEMPLATE("a message that does not fit is refused, and the connection stays", Shards, OneShard,
                   FourShards) {
  auto config = Shards::config();
  config.limits.outbox = 64 * 1024;
  GatewayFixture gateway(config);
  auto service = gateway.service("wsData", Window::small);
  auto first = gateway.caller();
  auto second = gateway.caller();
  // An empty outbox takes any one message.
  first.call(request_of_size(too_much_to_send));
  CHECK(gateway.pending_becomes(1));
  auto const refused = second.ask();
  CHECK(refused.status == 503);
  CHECK(refused.says("/problems/service-busy"));
  CHECK(refused.says(R"("delivery":"not-sent")"));
  CHECK_FALSE(refused.field("Retry-After").empty());

  service.send_text(answer_to(service.read_call().id));
  CHECK(first.read_answer().status == 200);
  second.call();
  service.send_text(answer_to(service.read_call().id));
  CHECK(second.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("over the budget of all outboxes a call is refused as overloaded", Shards, OneShard,
                   FourShards) {
  auto config = Shards::config();
  config.limits.outboxes_budget = 1 << 20;
  GatewayFixture gateway(config);
  auto service = gateway.service();
  auto caller = gateway.caller();
  auto const refused = caller.ask(request_of_size(2 << 20));
  CHECK(refused.status == 503);
  CHECK(refused.says("/problems/overloaded"));
  CHECK(refused.says(R"("delivery":"not-sent")"));
  CHECK(gateway.pending_becomes(0));
  caller.call(request_of_size(512 * 1024));
  service.send_text(answer_to(service.read_call().id));
  CHECK(caller.read_answer().status == 200);
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a service that stops reading for too long is closed, and its calls end", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto stuck = gateway.service("wsData", Window::small);
  auto caller = gateway.caller();
  caller.call(request_of_size(too_much_to_send));
  CHECK(gateway.pending_becomes(1));
  // A later one is served meanwhile.
  auto live = gateway.service();
  auto other = gateway.caller();
  other.call();
  live.send_text(answer_to(live.read_call().id));
  CHECK(other.read_answer().status == 200);

  gateway.advance(seconds(30));
  auto const answer = caller.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.says("/problems/service-closed"));
  CHECK(gateway.state().connections("wsData")->size() == 1);
  // It gets no longer than any other for the closing handshake; then what waited for it is given up.
  gateway.advance(seconds(2));
  CHECK(gateway.budgets_return());
}
