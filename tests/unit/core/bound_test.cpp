#include "core/bound.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace reachback::core;

TEST_SUITE("bounds") {
  TEST_CASE("each has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < Refusals::bounds; ++i) names.insert(to_string(static_cast<Bound>(i)));
    CHECK(names.size() == Refusals::bounds);
    CHECK_FALSE(names.contains(""));
    CHECK(to_string(Bound::connection_limit) == "connection-limit");
    CHECK(to_string(Bound::call_budget) == "call-budget");
    CHECK(to_string(Bound::close_timeout) == "close-timeout");
  }

  TEST_CASE("refusals are counted by bound, and those of two shards add up") {
    Refusals one, other;
    one.count(Bound::head_limit);
    one.count(Bound::head_limit);
    other.count(Bound::head_limit);
    other.count(Bound::login_pause);
    one.add(other);
    CHECK(one.of(Bound::head_limit) == 3);
    CHECK(one.of(Bound::login_pause) == 1);
    CHECK(one.of(Bound::request_limit) == 0);
  }
}
