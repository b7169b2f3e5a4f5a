#include "gateway/call_metrics.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <set>
#include <string>

using namespace reachback;
using namespace std::chrono_literals;
using gateway::CallMetrics;
using gateway::DropReason;
using gateway::Outcome;

namespace {

std::size_t bucket_of(core::Duration took) {
  CallMetrics metrics;
  metrics.ended(Outcome::answered(), took);
  for (std::size_t i = 0; i < metrics.durations.size(); ++i) {
    if (metrics.durations[i] != 0) return i;
  }
  return metrics.durations.size();
}

}  // namespace

TEST_SUITE("call metrics") {
  TEST_CASE("every outcome has a place and a name of its own") {
    std::set<std::size_t> places{Outcome::answered().index(), Outcome::cancelled().index()};
    std::set<std::string_view> names{"answered", "cancelled"};
    std::size_t const problems = static_cast<std::size_t>(proto::Problem::internal) + 1;
    for (std::size_t i = 0; i < problems; ++i) {
      auto const outcome = Outcome::failed(static_cast<proto::Problem>(i));
      places.insert(outcome.index());
      names.insert(gateway::name_of_outcome(outcome.index()));
    }
    CHECK(places.size() == Outcome::count);
    CHECK(*places.rbegin() == Outcome::count - 1);
    CHECK(names.size() == Outcome::count);
    CHECK(gateway::name_of_outcome(Outcome::failed(proto::Problem::timed_out).index()) == "timed-out");
    CHECK(gateway::name_of_outcome(Outcome::answered().index()) == "answered");
  }

  TEST_CASE("a duration counts in the first bucket whose bound it does not exceed") {
    CHECK(bucket_of(0s) == 0);
    CHECK(bucket_of(500us) == 0);
    CHECK(bucket_of(501us) == 1);
    CHECK(bucket_of(1s) == 10);
    CHECK(bucket_of(60s) == CallMetrics::bounds.size() - 1);
    CHECK(bucket_of(61s) == CallMetrics::bounds.size());
  }

  TEST_CASE("those of several shards add up") {
    CallMetrics one, other;
    one.ended(Outcome::answered(), 1s);
    one.ended(Outcome::failed(proto::Problem::timed_out), 2s);
    other.ended(Outcome::answered(), 3s);
    one.add(other);
    CHECK(one.outcomes[Outcome::answered().index()] == 2);
    CHECK(one.outcomes[Outcome::failed(proto::Problem::timed_out).index()] == 1);
    CHECK(std::accumulate(one.durations.begin(), one.durations.end(), std::uint64_t{}) == 3);
    CHECK(one.duration_sum == doctest::Approx(6));
  }

  TEST_CASE("every reason for a drop has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < static_cast<std::size_t>(DropReason::count); ++i)
      names.insert(gateway::to_string(static_cast<DropReason>(i)));
    CHECK(names.size() == static_cast<std::size_t>(DropReason::count));
    CHECK_FALSE(names.contains(""));
    CHECK(gateway::to_string(DropReason::duplicate_part) == "duplicate-part");
  }
}
