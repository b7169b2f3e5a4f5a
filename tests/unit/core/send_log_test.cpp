#include "core/send_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace reachback::core;
using reachback::proto::Delivery;

namespace {

constexpr MessageNumber number(std::uint64_t n) { return MessageNumber{n}; }

void frame_whole(SendLog& log, std::uint64_t n, std::uint64_t begin, std::uint64_t end) {
  log.framed(number(n), begin, end);
  log.completed(number(n));
}

}  // namespace

TEST_SUITE("send log") {
  TEST_CASE("a message without a number or still in the outbox was not sent") {
    SendLog log;
    CHECK(log.delivery(MessageNumber::none, false) == Delivery::not_sent);
    CHECK(log.delivery(number(1), true) == Delivery::not_sent);
    CHECK(log.delivery(number(1), false) == Delivery::not_sent);
  }

  TEST_CASE("a message goes from not sent to unknown to sent") {
    SendLog log;
    frame_whole(log, 1, 100, 150);
    log.given(100);
    CHECK(log.delivery(number(1), false) == Delivery::not_sent);
    log.given(101);
    CHECK(log.delivery(number(1), false) == Delivery::unknown);
    log.given(150);
    log.acknowledged(149);
    CHECK(log.delivery(number(1), false) == Delivery::unknown);
    log.acknowledged(150);
    CHECK(log.delivery(number(1), false) == Delivery::sent);
    CHECK(log.size() == 0);
    CHECK(log.delivery(number(1), false) == Delivery::sent);
    CHECK(log.delivery(number(2), false) == Delivery::not_sent);
  }

  TEST_CASE("a message in several frames is sent when the last one is acknowledged") {
    SendLog log;
    log.framed(number(1), 0, 10);
    log.given(10);
    log.acknowledged(10);
    CHECK(log.delivery(number(1), false) == Delivery::unknown);
    // A ping of 6 bytes lies between the two.
    log.framed(number(1), 16, 26);
    log.completed(number(1));
    log.given(26);
    CHECK(log.delivery(number(1), false) == Delivery::unknown);
    log.acknowledged(26);
    CHECK(log.delivery(number(1), false) == Delivery::sent);
  }

  TEST_CASE("a message that is acknowledged before it is noted as complete is sent as well") {
    SendLog log;
    log.framed(number(1), 0, 10);
    log.given(10);
    log.acknowledged(10);
    log.completed(number(1));
    CHECK(log.size() == 0);
    CHECK(log.delivery(number(1), false) == Delivery::sent);
  }

  TEST_CASE("offsets that come late or twice take nothing back") {
    SendLog log;
    frame_whole(log, 1, 0, 10);
    frame_whole(log, 2, 10, 20);
    log.given(20);
    log.given(5);
    log.acknowledged(10);
    log.acknowledged(3);
    CHECK(log.given() == 20);
    CHECK(log.delivery(number(1), false) == Delivery::sent);
    CHECK(log.delivery(number(2), false) == Delivery::unknown);
  }

  TEST_CASE("numbers of revoked messages leave gaps that do no harm") {
    SendLog log;
    frame_whole(log, 2, 0, 10);
    frame_whole(log, 5, 10, 20);
    log.given(15);
    log.acknowledged(10);
    CHECK(log.delivery(number(2), false) == Delivery::sent);
    CHECK(log.delivery(number(5), false) == Delivery::unknown);
    CHECK(log.delivery(number(6), false) == Delivery::not_sent);
  }

  TEST_CASE("a million messages without an acknowledgement stay bounded and claim nothing that is not so") {
    SendLog log;
    std::uint64_t offset = 0;
    std::size_t largest = 0;
    for (std::uint64_t n = 1; n <= 1'000'000; ++n, offset += 20) {
      frame_whole(log, n, offset, offset + 20);
      log.given(offset + 20);
      largest = std::max(largest, log.size());
    }
    CHECK(largest <= 2 * SendLog::exact_entries);
    for (std::uint64_t n = 1; n <= 1'000'000; n += 9999) {
      CHECK(log.delivery(number(n), false) == Delivery::unknown);
    }
    frame_whole(log, 1'000'001, offset, offset + 20);
    CHECK(log.delivery(number(1'000'001), false) == Delivery::not_sent);

    log.acknowledged(offset / 2);
    CHECK(log.delivery(number(490'000), false) == Delivery::sent);
    CHECK(log.delivery(number(500'001), false) == Delivery::unknown);
    log.acknowledged(offset + 20);
    CHECK(log.size() == 0);
    CHECK(log.delivery(number(500'001), false) == Delivery::sent);
  }

  TEST_CASE("putting messages together never takes in one that was not given to the kernel") {
    for (std::uint64_t given = 1030; given < 1080; ++given) {
      CAPTURE(given);
      SendLog log;
      for (std::uint64_t n = 1; n <= SendLog::exact_entries + 1; ++n) {
        frame_whole(log, n, (n - 1) * 20, n * 20);
        if (n == given) log.given(given * 20);
      }
      REQUIRE(log.size() < SendLog::exact_entries);
      CHECK(log.delivery(number(given), false) == Delivery::unknown);
      CHECK(log.delivery(number(given + 1), false) == Delivery::not_sent);
    }
  }

  TEST_CASE("in random traffic a delivery is exact below the bound and errs towards unknown above it") {
    std::mt19937 random(7);
    SendLog log;
    struct Place {
      std::uint64_t begin, end;
    };
    std::vector<Place> places{{0, 0}};
    std::uint64_t framed = 0, given = 0, acknowledged = 0, inexact = 0, checks = 0;
    for (int step = 0; step < 60'000; ++step) {
      std::uint64_t const size = 1 + random() % 300;
      places.push_back({framed, framed + size});
      frame_whole(log, places.size() - 1, framed, framed + size);
      framed += size;
      if (random() % 8 == 0) log.given(given += random() % (framed - given + 1));
      if (random() % 5000 == 0) log.acknowledged(acknowledged += random() % (given - acknowledged + 1));

      std::uint64_t const asked = 1 + random() % (places.size() - 1);
      Delivery const exact = given <= places[asked].begin        ? Delivery::not_sent
                             : acknowledged >= places[asked].end ? Delivery::sent
                                                                 : Delivery::unknown;
      Delivery const said = log.delivery(number(asked), false);
      ++checks;
      if (said == exact) continue;
      ++inexact;
      CHECK(exact == Delivery::sent);
      CHECK(said == Delivery::unknown);
    }
    CHECK(inexact < checks / 100);
  }
}
