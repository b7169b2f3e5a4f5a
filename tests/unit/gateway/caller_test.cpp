#include "gateway/caller.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::Task;
using core::CallEnd;
using core::CallerRef;
using gateway::Caller;
using gateway::CallerTable;
using gateway::CallEvent;
using gateway::CallFailure;
using gateway::Part;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::turn;

namespace {

constexpr std::size_t call_budget = 1000;

enum class Which { one_of_many, last };

/// A part that holds its share of the call's budget and of one for all, as an endpoint makes it.
CallEvent part_for(CallerRef const& ref, core::Budget& total, std::string_view text,
                   Which which = Which::one_of_many) {
  Part part;
  part.call_share = ref.parts->acquire(text.size()).value();
  part.total_share = total.acquire(text.size()).value();
  part.text = core::Buffer(text);
  part.last = which == Which::last;
  return CallEvent(std::move(part));
}

CallEvent failure_of(Problem problem) {
  CallFailure failure;
  failure.failure.problem = problem;
  return CallEvent(std::move(failure));
}

std::string text_of(CallEvent const& event) {
  return event.part == nullptr ? "no part" : std::string(event.part->text.view());
}

Problem problem_of(CallEvent const& event) {
  return event.failure == nullptr ? Problem::internal : event.failure->failure.problem;
}

Task<CallEvent> next_of(Caller& caller) {
  auto [error, event] = co_await caller.next();
  if (error) event = CallEvent(Caller::given_up());
  co_return std::move(event);
}

/// A coroutine's view of the next event.
Task<> take_next(Caller& caller, std::string& into) {
  CallEvent const event = co_await next_of(caller);
  into = event.part != nullptr ? text_of(event) : std::string(proto::name_of(problem_of(event)));
}

struct Place {
  Bench bench;
  CallerTable table{call_budget};
  core::Budget total{10'000};
};

}  // namespace

TEST_SUITE("caller") {
  TEST_CASE("gets the parts of its call in the order in which they were delivered") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto const ref = caller.expect();
      place.table.deliver(ref, part_for(ref, place.total, "one"));
      place.table.deliver(ref, part_for(ref, place.total, "two", Which::last));
      for (std::string const expected : {"one", "two"}) {
        CallEvent const event = co_await next_of(caller);
        CHECK(text_of(event) == expected);
      }
      CHECK(place.total.used() == 0);
    });
  }

  TEST_CASE("is woken by what comes while it waits") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto const ref = caller.expect();
      std::string got;
      Beside waiting(place.bench.shard, take_next(caller, got));
      co_await turn(place.bench.shard);
      CHECK_FALSE(waiting.over());
      place.table.deliver(ref, failure_of(Problem::timed_out));
      co_await waiting.join();
      CHECK(got == "timed-out");
    });
  }

  TEST_CASE("nothing comes after the last part or a failure: it is dropped, and its budgets are given back") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto ref = caller.expect();
      place.table.deliver(ref, part_for(ref, place.total, "last", Which::last));
      place.table.deliver(ref, part_for(ref, place.total, "too late"));
      place.table.deliver(ref, failure_of(Problem::timed_out));
      CHECK(ref.parts->used() == 4);
      CallEvent const last = co_await next_of(caller);
      CHECK(text_of(last) == "last");

      ref = caller.expect();
      place.table.deliver(ref, failure_of(Problem::service_closed));
      place.table.deliver(ref, part_for(ref, place.total, "too late"));
      CHECK(ref.parts->used() == 4);  // of the part that the test still holds
      CallEvent const end = co_await next_of(caller);
      CHECK(problem_of(end) == Problem::service_closed);
    });
    CHECK(place.total.used() == 0);
  }

  TEST_CASE("what comes for an earlier call matches nothing") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto const old = caller.expect();
      place.table.deliver(old, part_for(old, place.total, "old, unread"));
      auto const now = caller.expect();
      CHECK(place.total.used() == 0);
      CHECK_FALSE(old == now);
      place.table.deliver(old, part_for(old, place.total, "old, late"));
      place.table.deliver(old, failure_of(Problem::timed_out));
      CHECK(place.total.used() == 0);
      place.table.deliver(now, part_for(now, place.total, "new"));
      CallEvent const event = co_await next_of(caller);
      CHECK(text_of(event) == "new");
    });
  }

  TEST_CASE("what comes for a caller that is gone matches nothing, also when another has its place") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      auto gone = std::make_unique<Caller>(place.bench.shard, place.table);
      auto const old = gone->expect();
      gone.reset();
      place.table.deliver(old, part_for(old, place.total, "late"));
      Caller other(place.bench.shard, place.table);
      auto const ref = other.expect();
      CHECK(ref.slot == old.slot);
      place.table.deliver(old, part_for(old, place.total, "late"));
      CHECK(place.total.used() == 0);
      place.table.deliver(ref, part_for(ref, place.total, "mine"));
      CallEvent const event = co_await next_of(other);
      CHECK(text_of(event) == "mine");
    });
  }

  TEST_CASE("cancel ends the wait, and what comes afterwards is dropped") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto const ref = caller.expect();
      std::string got;
      Beside waiting(place.bench.shard, take_next(caller, got));
      co_await turn(place.bench.shard);
      caller.cancel(CallEnd::cancelled);
      caller.cancel(CallEnd::cancelled);
      co_await waiting.join();
      CHECK(got == "service-closed");
      place.table.deliver(ref, part_for(ref, place.total, "late"));
      CHECK(place.total.used() == 0);
    });
  }

  TEST_CASE("a wait that begins after cancel ends at once, and the next call is as good as ever") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      for (int i = 0; i < 3; ++i) {
        (void)caller.expect();
        caller.cancel(CallEnd::cancelled);
        CallEvent const end = co_await next_of(caller);
        CHECK(problem_of(end) == Problem::service_closed);
        auto const ref = caller.expect();
        place.table.deliver(ref, part_for(ref, place.total, "fine", Which::last));
        CallEvent const event = co_await next_of(caller);
        CHECK(text_of(event) == "fine");
      }
    });
  }

  TEST_CASE(
      "cancel gives back the budgets of parts that nobody will read, also of an answer that was complete") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      for (auto const which : {Which::one_of_many, Which::last}) {
        auto const ref = caller.expect();
        place.table.deliver(ref, part_for(ref, place.total, "first"));
        place.table.deliver(ref, part_for(ref, place.total, "second", which));
        CHECK(place.total.used() == 11);
        CHECK(ref.parts->used() == 11);
        caller.cancel(CallEnd::bad_answer);
        CHECK(place.total.used() == 0);
        CHECK(ref.parts->used() == 0);
      }
      co_return;
    });
  }

  TEST_CASE("its death gives back the budgets of what it has not read") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      {
        Caller caller(place.bench.shard, place.table);
        auto const ref = caller.expect();
        place.table.deliver(ref, part_for(ref, place.total, "unread", Which::last));
        CHECK(place.total.used() == 6);
      }
      CHECK(place.total.used() == 0);
      co_return;
    });
  }

  TEST_CASE("a caller that was too slow learns that at once: the parts that waited are gone") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller caller(place.bench.shard, place.table);
      auto const ref = caller.expect();
      place.table.deliver(ref, part_for(ref, place.total, "much"));
      place.table.deliver(ref, part_for(ref, place.total, "more"));
      place.table.deliver(ref, failure_of(Problem::slow_caller));
      CHECK(place.total.used() == 0);
      CallEvent const event = co_await next_of(caller);
      CHECK(problem_of(event) == Problem::slow_caller);
    });
  }

  TEST_CASE("each caller has a budget of its own") {
    Place place;
    on_shard(place.bench.shard, [&]() -> Task<> {
      Caller first(place.bench.shard, place.table), second(place.bench.shard, place.table);
      auto const one = first.expect();
      auto const two = second.expect();
      CHECK(one.slot != two.slot);
      CHECK(one.parts != two.parts);
      CHECK(one.parts->limit() == call_budget);
      place.table.deliver(one, part_for(one, place.total, std::string(call_budget, 'x')));
      CHECK_FALSE(one.parts->acquire(1).has_value());
      CHECK(two.parts->acquire(call_budget).has_value());
      co_return;
    });
  }
}
