#include "core/token_bucket.hpp"

#include <doctest/doctest.h>

using namespace reachback::core;
using namespace std::chrono_literals;

namespace {

TimePoint const noon{Duration(1h)};

std::size_t taken(TokenBucket& bucket, TimePoint now, std::size_t tries) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < tries; ++i) count += bucket.take(now) ? 1 : 0;
  return count;
}

}  // namespace

TEST_SUITE("token bucket") {
  TEST_CASE("a second's worth may come at once and no more") {
    TokenBucket bucket(10);
    CHECK(taken(bucket, noon, 100) == 10);
    CHECK(taken(bucket, noon, 100) == 0);
  }

  TEST_CASE("what was taken comes back one by one, and a refusal costs nothing") {
    TokenBucket bucket(10);
    CHECK(taken(bucket, noon, 100) == 10);
    CHECK(taken(bucket, noon + 99ms, 100) == 0);
    CHECK(taken(bucket, noon + 100ms, 100) == 1);
    CHECK(taken(bucket, noon + 350ms, 100) == 2);
  }

  TEST_CASE("however long it was quiet, a second's worth is all") {
    TokenBucket bucket(3);
    CHECK(taken(bucket, noon, 100) == 3);
    CHECK(taken(bucket, noon + 10h, 100) == 3);
  }

  TEST_CASE("over a long time so many per second are allowed, burst aside") {
    TokenBucket bucket(7);
    std::size_t count = 0;
    for (auto now = noon; now < noon + 100s; now += 10ms) count += taken(bucket, now, 5);
    CHECK(count >= 700);
    CHECK(count <= 707);
  }

  TEST_CASE("one per second is one per second") {
    TokenBucket bucket(1);
    CHECK(taken(bucket, noon, 5) == 1);
    CHECK(taken(bucket, noon + 999ms, 5) == 0);
    CHECK(taken(bucket, noon + 1s, 5) == 1);
  }
}
