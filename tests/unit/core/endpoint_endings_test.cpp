#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/endpoint_state.hpp"
#include "scripted_answers.hpp"

using namespace reachback;
using namespace reachback::core;
using namespace reachback::core::testing;
using Action = AnswerDecision::Action;

namespace {

enum class Event : std::uint8_t { answer, bad_answer, deadline, disconnect, cancel, shutdown };

/// What the events of one moment did to one call.
struct Outcome {
  std::vector<CallEnd> ends;
  int answers = 0;
  [[nodiscard]] std::size_t count() const { return ends.size() + static_cast<std::size_t>(answers); }
  void add(std::vector<EndedCall> const& ended) {
    for (auto const& call : ended) ends.push_back(call.end);
  }
  void add(std::optional<EndedCall> const& ended) {
    if (ended) ends.push_back(ended->end);
  }
  void add(AnswerDecision const& decision) {
    add(decision.ended);
    if (decision.action == Action::deliver_last) ++answers;
  }
};

void happen(Event event, EndpointState& state, proto::CallId id, TimePoint now, Outcome& outcome) {
  switch (event) {
    case Event::answer:
      outcome.add(state.answer(first_service, whole(id), now));
      break;
    case Event::bad_answer:
      outcome.add(state.answer(first_service, out_of_range(id), now));
      break;
    case Event::deadline:
      outcome.add(state.expire(now));
      break;
    case Event::disconnect:
      outcome.add(state.leave(first_service));
      break;
    case Event::cancel:
      outcome.add(state.end(id, CallEnd::cancelled));
      break;
    case Event::shutdown:
      outcome.add(state.end_all(CallEnd::shut_down));
      break;
  }
}

CallEnd end_by(Event event) {
  switch (event) {
    case Event::bad_answer:
      return CallEnd::bad_answer;
    case Event::deadline:
      return CallEnd::timed_out;
    case Event::disconnect:
      return CallEnd::connection_closed;
    case Event::shutdown:
      return CallEnd::shut_down;
    default:
      return CallEnd::cancelled;
  }
}

void check_order(std::array<Event, 6> const& order) {
  EndpointState state(10, &next_call_id);
  state.join(first_service);
  auto const placed = state.begin(to_newest(1, 10s), start);
  REQUIRE(placed.has_value());

  Outcome outcome;
  for (Event const event : order) happen(event, state, placed->id, start + 10s, outcome);

  REQUIRE(outcome.count() == 1);
  if (order[0] == Event::answer) {
    CHECK(outcome.answers == 1);
  } else {
    CHECK(outcome.ends == std::vector{end_by(order[0])});
  }
  CHECK(state.calls() == 0);
  CHECK_FALSE(state.next_deadline().has_value());
}

struct OneCall {
  EndpointState state{10, &next_call_id};
  proto::CallId id;

  OneCall() {
    state.join(first_service);
    state.join(second_service);
    id = state.begin(to(first_service, 3, 10s), start)->id;
  }
};

}  // namespace

TEST_SUITE("endpoint state: endings") {
  TEST_CASE("answer, deadline, disconnect, cancel and shutdown at one moment end a call once, by the first") {
    std::array order{Event::answer,     Event::bad_answer, Event::deadline,
                     Event::disconnect, Event::cancel,     Event::shutdown};
    int orders = 0;
    do {
      check_order(order);
      ++orders;
    } while (std::ranges::next_permutation(order).found);
    CHECK(orders == 720);
  }

  TEST_CASE("in every order a call in the middle of its parts ends once too") {
    std::array order{Event::deadline, Event::disconnect, Event::cancel, Event::shutdown};
    do {
      OneCall call;
      REQUIRE(call.state.answer(first_service, part(call.id, 1, 2), start).action == Action::deliver);
      Outcome outcome;
      for (Event const event : order) happen(event, call.state, call.id, start + 10s, outcome);
      CHECK(outcome.ends == std::vector{end_by(order[0])});
      auto const late = call.state.answer(first_service, part(call.id, 2, 2), start + 10s);
      CHECK(late.action == Action::drop_unknown_call);
    } while (std::ranges::next_permutation(order).found);
  }

  TEST_CASE("a cancel after completion finds nothing") {
    OneCall call;
    CHECK(call.state.answer(first_service, whole(call.id), start).action == Action::deliver_last);
    CHECK_FALSE(call.state.end(call.id, CallEnd::cancelled).has_value());
    CHECK_FALSE(call.state.end(call.id, CallEnd::slow_caller).has_value());
  }

  TEST_CASE("a late answer to an abandoned call is dropped and disturbs no other") {
    OneCall call;
    auto const other = call.state.begin(to(first_service, 4), start)->id;
    CHECK(call.state.end(call.id, CallEnd::cancelled).has_value());
    auto const late = call.state.answer(first_service, whole(call.id), start);
    CHECK(late.action == Action::drop_unknown_call);
    CHECK_FALSE(late.ended.has_value());
    CHECK(call.state.answer(first_service, whole(other), start).action == Action::deliver_last);
  }

  TEST_CASE(
      "an answer from the wrong connection is dropped, whatever it says, and the right one still counts") {
    OneCall call;
    for (auto const& wrong : {whole(call.id), out_of_range(call.id), part(call.id, 1, 2)}) {
      auto const decision = call.state.answer(second_service, wrong, start);
      CHECK(decision.action == Action::drop_wrong_connection);
      CHECK_FALSE(decision.ended.has_value());
    }
    CHECK(call.state.answer(proto::ConnectionId{999}, whole(call.id), start).action ==
          Action::drop_wrong_connection);
    CHECK(call.state.answer(first_service, whole(call.id), start).action == Action::deliver_last);
  }

  TEST_CASE("an answer to a call that never was is dropped") {
    OneCall call;
    for (std::uint64_t const id : {std::uint64_t{0}, proto::max_call_id}) {
      CHECK(call.state.answer(first_service, whole(proto::CallId{id}), start).action ==
            Action::drop_unknown_call);
    }
    CHECK(call.state.calls() == 1);
  }

  TEST_CASE("a part out of range ends the call with what is wrong") {
    OneCall call;
    auto const decision = call.state.answer(first_service, out_of_range(call.id), start);
    CHECK(decision.action == Action::end_bad);
    REQUIRE(decision.ended.has_value());
    CHECK(decision.ended->id == call.id);
    CHECK(decision.ended->caller == caller(3));
    CHECK(decision.ended->connection == first_service);
    CHECK(decision.ended->end == CallEnd::bad_answer);
    CHECK_FALSE(decision.ended->part_came);
    CHECK_FALSE(decision.ended->detail.empty());
  }

  TEST_CASE("a number of parts that changes ends the call and says that a part had come") {
    OneCall call;
    CHECK(call.state.answer(first_service, part(call.id, 1, 3), start).action == Action::deliver);
    auto const decision = call.state.answer(first_service, part(call.id, 2, 4), start);
    CHECK(decision.action == Action::end_bad);
    REQUIRE(decision.ended.has_value());
    CHECK(decision.ended->part_came);
    CHECK_FALSE(decision.ended->detail.empty());
  }

  TEST_CASE("a connection that leaves ends its own calls in their order and no others") {
    OneCall call;
    auto const other = call.state.begin(to(second_service, 4), start)->id;
    auto const second = call.state.begin(to(first_service, 5), start)->id;
    auto const ended = call.state.leave(first_service);
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].id == call.id);
    CHECK(ended[1].id == second);
    for (auto const& each : ended) CHECK(each.end == CallEnd::connection_closed);
    CHECK(call.state.calls() == 1);
    CHECK(call.state.answer(second_service, whole(other), start).action == Action::deliver_last);
  }

  TEST_CASE("shutdown ends the calls of all connections and leaves the connections") {
    OneCall call;
    REQUIRE(call.state.begin(to(second_service, 4), start).has_value());
    REQUIRE(call.state.begin(to(first_service, 5), start).has_value());
    auto const ended = call.state.end_all(CallEnd::shut_down);
    CHECK(ended.size() == 3);
    for (auto const& each : ended) CHECK(each.end == CallEnd::shut_down);
    CHECK(call.state.calls() == 0);
    CHECK(call.state.connections().size() == 2);
    CHECK(call.state.end_all(CallEnd::shut_down).empty());
    CHECK(call.state.leave(first_service).empty());
  }
}
