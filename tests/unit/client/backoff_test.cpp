#include "client/backoff.hpp"

#include <doctest/doctest.h>

using reachback::client::Backoff;
using std::chrono::milliseconds;

TEST_CASE("a pause lies between half of the step and all of it, and the step doubles up to the longest") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    Backoff backoff(milliseconds(100), milliseconds(1000));
    for (auto const step : {100, 200, 400, 800, 1000, 1000}) {
      auto const pause = backoff.next(random).count();
      CHECK(pause >= step / 2);
      CHECK(pause <= step);
    }
  }
}

TEST_CASE("pauses differ from one service to the next") {
  std::mt19937_64 one(1), other(2);
  Backoff backoff_one(milliseconds(100'000), milliseconds(100'000));
  Backoff backoff_other(milliseconds(100'000), milliseconds(100'000));
  CHECK(backoff_one.next(one) != backoff_other.next(other));
}

TEST_CASE("after a reset the first step comes again") {
  std::mt19937_64 random(1);
  Backoff backoff(milliseconds(10), milliseconds(10'000));
  for (int i = 0; i < 20; ++i) static_cast<void>(backoff.next(random));
  CHECK(backoff.next(random) >= milliseconds(5000));
  backoff.reset();
  CHECK(backoff.next(random) <= milliseconds(10));
}

TEST_CASE("settings of no time still pause, and a first step over the longest counts") {
  std::mt19937_64 random(1);
  Backoff none(milliseconds(0), milliseconds(0));
  CHECK(none.next(random) == milliseconds(1));
  Backoff odd(milliseconds(100), milliseconds(10));
  CHECK(odd.next(random) >= milliseconds(50));
  CHECK(odd.next(random) <= milliseconds(100));
}
