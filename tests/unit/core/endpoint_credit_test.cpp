#include <doctest/doctest.h>

#include "core/endpoint_state.hpp"
#include "scripted_answers.hpp"

using namespace reachback;
using namespace reachback::core;
using namespace reachback::core::testing;
using Action = AnswerDecision::Action;

namespace {

/// An endpoint with one service that is paced, and one call of it.
struct PacedCall {
  explicit PacedCall(Pacing pacing = Pacing::credits) {
    state.join(first_service, pacing);
    auto const placed = state.begin(to_newest(1, 10s), start);
    REQUIRE(placed.has_value());
    REQUIRE(placed->pacing == pacing);
    id = placed->id;
  }

  AnswerDecision part(std::uint32_t number, std::uint32_t count, TimePoint now = start) {
    return state.answer(first_service, testing::part(id, number, count), now);
  }

  EndpointState state{100, &next_call_id};
  proto::CallId id{};
};

}  // namespace

TEST_SUITE("endpoint state: credits") {
  TEST_CASE("a part beyond the credit ends its call and no other") {
    PacedCall call;
    auto const other = call.state.begin(to_newest(2), start);
    CHECK(call.part(1, 9).action == Action::deliver);
    CHECK(call.part(2, 9).action == Action::deliver);
    auto const third = call.part(3, 9);
    CHECK(third.action == Action::end_bad);
    REQUIRE(third.ended.has_value());
    CHECK(third.ended->end == CallEnd::bad_answer);
    CHECK(third.ended->detail == "a part came beyond the credit");
    CHECK(call.state.calls() == 1);
    CHECK(call.state.answer(first_service, whole(other->id), start).action == Action::deliver_last);
  }

  TEST_CASE("a credit that was due is given when its part is taken, and allows one part more") {
    PacedCall call;
    CHECK(call.part(1, 9).credit_due);
    CHECK(call.part(2, 9).credit_due);
    auto const grant = call.state.give_credit(call.id, start);
    REQUIRE(grant.has_value());
    CHECK(grant->connection == first_service);
    CHECK(grant->replaces == MessageNumber::none);
    CHECK(call.part(3, 9).action == Action::deliver);
    CHECK(call.part(4, 9).action == Action::end_bad);
  }

  TEST_CASE("an answer of one or two parts costs no credit") {
    PacedCall one;
    CHECK_FALSE(one.part(1, 1).credit_due);
    PacedCall two;
    CHECK_FALSE(two.part(1, 2).credit_due);
    CHECK(two.part(2, 2).action == Action::deliver_last);
  }

  TEST_CASE("a repeated part uses a credit, which is due at once") {
    PacedCall call;
    CHECK(call.part(1, 3).action == Action::deliver);
    auto const repeated = call.part(1, 3);
    CHECK(repeated.action == Action::drop_duplicate);
    CHECK(repeated.credit_due);
    CHECK(call.part(1, 3).action == Action::end_bad);
  }

  TEST_CASE("any number of repeated parts leaves the window as wide as it was") {
    PacedCall call;
    CHECK(call.part(1, 3).action == Action::deliver);
    for (int i = 0; i < 10; ++i) {
      CHECK(call.part(1, 3).credit_due);
      CHECK(call.state.give_credit(call.id, start).has_value());
    }
    CHECK(call.part(2, 3).action == Action::deliver);
    CHECK(call.part(3, 3).action == Action::end_bad);
  }

  TEST_CASE("a service without credit may still say that it failed") {
    PacedCall call;
    CHECK(call.part(1, 9).action == Action::deliver);
    CHECK(call.part(2, 9).action == Action::deliver);
    auto failure = testing::part(call.id, 3, 9);
    failure.status = 500;
    SUBCASE("with data") {}
    SUBCASE("without data") { failure.has_data = false; }
    CHECK(call.state.answer(first_service, failure, start).action == Action::deliver_last);
  }

  TEST_CASE("credits of a call that has ended are nobody's") {
    PacedCall call;
    CHECK(call.part(1, 9).credit_due);
    CHECK(call.state.end(call.id, CallEnd::cancelled).has_value());
    CHECK_FALSE(call.state.give_credit(call.id, start).has_value());
  }

  TEST_CASE("credits that have not left yet are sent as one") {
    PacedCall call;
    CHECK(call.part(1, 9).credit_due);
    CHECK(call.part(2, 9).credit_due);
    CHECK(call.state.give_credit(call.id, start).has_value());
    call.state.credit_sent_as(call.id, MessageNumber{7}, 1);
    auto const second = call.state.give_credit(call.id, start);
    REQUIRE(second.has_value());
    CHECK(second->replaces == MessageNumber{7});
    CHECK(second->replaced_parts == 1);
  }

  TEST_CASE("a caller that takes no part for too long ends its call, and that is no time-out") {
    PacedCall call;
    CHECK(call.part(1, 9).action == Action::deliver);
    CHECK(call.part(2, 9).action == Action::deliver);
    CHECK(call.state.expire(start + 1h - 1s).empty());
    auto const ended = call.state.expire(start + 1h);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].end == CallEnd::slow_caller);
    CHECK(ended[0].detail == "the caller took no part of the answer for too long");
    CHECK(call.state.calls() == 0);
  }

  TEST_CASE("the time-out does not run while the service waits for credit") {
    PacedCall call;
    CHECK(call.part(1, 9, start + 1s).action == Action::deliver);
    CHECK(call.state.next_deadline() == start + 11s);
    CHECK(call.part(2, 9, start + 2s).action == Action::deliver);
    CHECK(call.state.expire(start + 30min).empty());
    // The caller takes a part: the service has the whole time-out again.
    CHECK(call.state.give_credit(call.id, start + 30min).has_value());
    CHECK(call.state.next_deadline() == start + 30min + 10s);
    // It has credit already: a second one gives no more time.
    CHECK(call.state.give_credit(call.id, start + 30min + 5s).has_value());
    auto const ended = call.state.expire(start + 30min + 10s);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].end == CallEnd::timed_out);
  }

  TEST_CASE("a repeated part gives its call no more time") {
    PacedCall call;
    CHECK(call.part(1, 3).action == Action::deliver);
    CHECK(call.part(1, 3, start + 5s).credit_due);
    CHECK(call.state.give_credit(call.id, start + 5s).has_value());
    CHECK(call.state.next_deadline() == start + 10s);
  }

  TEST_CASE("a call that waits for credit can be given a deadline, and ended") {
    PacedCall call;
    CHECK(call.part(1, 9).action == Action::deliver);
    CHECK(call.part(2, 9).action == Action::deliver);
    SUBCASE("by another time-out") {
      CHECK(call.state.rearm(call.id, 3s, start));
      CHECK(call.state.expire(start + 3s).size() == 1);
    }
    SUBCASE("by its caller") { CHECK(call.state.end(call.id, CallEnd::cancelled).has_value()); }
    SUBCASE("by the end of its connection") { CHECK(call.state.leave(first_service).size() == 1); }
    CHECK(call.state.calls() == 0);
    CHECK_FALSE(call.state.next_deadline().has_value());
  }

  TEST_CASE("a service that is not paced sends what it likes") {
    PacedCall call(Pacing::none);
    for (std::uint32_t number = 1; number < 9; ++number) {
      auto const decision = call.part(number, 9);
      CHECK(decision.action == Action::deliver);
      CHECK_FALSE(decision.credit_due);
    }
    CHECK_FALSE(call.state.give_credit(call.id, start).has_value());
    CHECK(call.part(9, 9).action == Action::deliver_last);
  }
}
