#include "core/login_throttle.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace reachback::core;
using namespace std::chrono_literals;

namespace {

constexpr Duration pause = 10s;
TimePoint const noon{Duration(1h)};

/// Fails so many times from the address, each time in another name.
void fail(LoginThrottle& throttle, std::string const& address, unsigned times, TimePoint now) {
  for (unsigned i = 0; i < times; ++i) throttle.failed("user " + std::to_string(i), address, now);
}

}  // namespace

TEST_SUITE("log-in throttle") {
  TEST_CASE("nobody waits before a failure") {
    LoginThrottle const throttle(pause);
    CHECK(throttle.wait("ann", "10.0.0.1", noon) == 0s);
    CHECK(throttle.remembered() == 0);
  }

  TEST_CASE("after a failure that user waits at that address until the pause is over") {
    LoginThrottle throttle(pause);
    throttle.failed("ann", "10.0.0.1", noon);
    CHECK(throttle.wait("ann", "10.0.0.1", noon) == pause);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + 4s) == 6s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + pause - 1ns) > 0s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + pause) == 0s);
  }

  TEST_CASE("neither others there nor the same user elsewhere wait for it") {
    LoginThrottle throttle(pause);
    throttle.failed("ann", "10.0.0.1", noon);
    CHECK(throttle.wait("bob", "10.0.0.1", noon) == 0s);
    CHECK(throttle.wait("ann", "10.0.0.2", noon) == 0s);
    CHECK(throttle.wait("", "10.0.0.1", noon) == 0s);
    CHECK(throttle.wait("ann 10.0.0.1", "", noon) == 0s);
  }

  TEST_CASE("each failure begins the pause anew") {
    LoginThrottle throttle(pause);
    throttle.failed("ann", "10.0.0.1", noon);
    throttle.failed("ann", "10.0.0.1", noon + 10s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + 15s) == 5s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + 20s) == 0s);
  }

  TEST_CASE("after many failures in any names everybody at that address waits") {
    LoginThrottle throttle(pause);
    fail(throttle, "10.0.0.1", LoginThrottle::failures_per_address - 1, noon);
    CHECK(throttle.wait("ann", "10.0.0.1", noon) == 0s);
    throttle.failed("eve", "10.0.0.1", noon + 1s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + 1s) == pause);
    CHECK(throttle.wait("ann", "10.0.0.2", noon + 1s) == 0s);
    CHECK(throttle.wait("ann", "10.0.0.1", noon + 11s) == 0s);
  }

  TEST_CASE("failures of long ago are forgotten, whether others fail in between or not") {
    LoginThrottle throttle(pause);
    for (unsigned day = 0; day < 3 * LoginThrottle::failures_per_address; ++day) {
      auto const then = noon + day * 24h;
      CHECK(throttle.wait("ann", "10.0.0.1", then) == 0s);
      throttle.failed("bob", "10.0.0.1", then);
      CHECK(throttle.wait("ann", "10.0.0.1", then) == 0s);
    }
    CHECK(throttle.remembered() == 2);
  }

  TEST_CASE("what no longer makes anybody wait takes no memory") {
    LoginThrottle throttle(pause);
    fail(throttle, "10.0.0.1", 500, noon);
    CHECK(throttle.remembered() == 501);
    throttle.failed("ann", "10.0.0.2", noon + pause);
    CHECK(throttle.remembered() == 2);
    throttle.failed("ann", "10.0.0.2", noon + pause + 1s);
    CHECK(throttle.remembered() == 2);
  }

  TEST_CASE("a flood of failures takes bounded memory, and the latest of them count") {
    LoginThrottle throttle(pause);
    auto const flood = LoginThrottle::most_remembered;
    for (std::size_t i = 0; i < flood; ++i) throttle.failed("ann", "address " + std::to_string(i), noon);
    CHECK(throttle.remembered() <= LoginThrottle::most_remembered);
    CHECK(throttle.wait("ann", "address " + std::to_string(flood - 1), noon) == pause);
    CHECK(throttle.wait("ann", "address 0", noon) == 0s);
  }

  TEST_CASE("without a pause nobody ever waits") {
    LoginThrottle throttle(Duration(0));
    fail(throttle, "10.0.0.1", 100, noon);
    CHECK(throttle.wait("user 1", "10.0.0.1", noon) == 0s);
    CHECK(throttle.remembered() <= 2);
  }
}
