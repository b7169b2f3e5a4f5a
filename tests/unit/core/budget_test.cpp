#include "core/budget.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

using namespace reachback::core;

TEST_SUITE("budget") {
  TEST_CASE("a permit gives back what it has too much, and never takes") {
    Budget budget(100);
    auto permit = budget.acquire(80);
    REQUIRE(permit.has_value());
    permit->shrink_to(30);
    CHECK(permit->amount() == 30);
    CHECK(budget.used() == 30);
    permit->shrink_to(50);
    CHECK(permit->amount() == 30);
    CHECK(budget.used() == 30);
    permit.reset();
    CHECK(budget.used() == 0);
  }

  TEST_CASE("the limit is inclusive and one more is refused") {
    Budget budget(10);
    auto const all = budget.acquire(10);
    CHECK(all.has_value());
    CHECK(budget.used() == 10);
    CHECK_FALSE(budget.acquire(1).has_value());
    CHECK(budget.acquire(0).has_value());
    CHECK(budget.limit() == 10);
  }

  TEST_CASE("a refusal takes nothing") {
    Budget budget(10);
    auto const some = budget.acquire(6);
    CHECK_FALSE(budget.acquire(5).has_value());
    CHECK(budget.used() == 6);
    CHECK(budget.acquire(4).has_value());
  }

  TEST_CASE("amounts near the end of the number range do not wrap around") {
    Budget budget(10);
    auto const some = budget.acquire(1);
    CHECK_FALSE(budget.acquire(SIZE_MAX).has_value());
    CHECK(budget.used() == 1);
  }

  TEST_CASE("a permit gives its share back once, whoever holds it last") {
    Budget budget(10);
    {
      auto first = budget.acquire(4);
      REQUIRE(first.has_value());
      Permit moved = std::move(*first);
      CHECK(moved.amount() == 4);
      first.reset();
      CHECK(budget.used() == 4);
    }
    CHECK(budget.used() == 0);
  }

  TEST_CASE("assigning to a permit gives back what it held") {
    Budget budget(10);
    auto first = budget.acquire(4);
    auto second = budget.acquire(3);
    REQUIRE((first.has_value() && second.has_value()));
    *first = std::move(*second);
    CHECK(budget.used() == 3);
    *first = Permit();
    CHECK(budget.used() == 0);
  }

  TEST_CASE("threads that acquire and give back at once never exceed the limit") {
    constexpr std::size_t limit = 50;
    Budget budget(limit);
    std::atomic<std::size_t> held{0}, most{0}, granted{0};
    std::latch ready(4);
    auto const work = [&](std::size_t amount) {
      ready.arrive_and_wait();
      for (int i = 0; i < 20'000; ++i) {
        auto permit = budget.acquire(amount);
        if (!permit) continue;
        ++granted;
        std::size_t const now = held.fetch_add(amount) + amount;
        std::size_t seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) continue;
        held.fetch_sub(amount);
      }
    };
    {
      std::vector<std::jthread> threads;
      for (std::size_t const amount : {7u, 11u, 23u, 31u}) threads.emplace_back(work, amount);
    }
    CHECK(most.load() <= limit);
    CHECK(granted.load() > 0);
    CHECK(budget.used() == 0);
  }

  TEST_CASE("a permit may die on another thread than it was made on") {
    Budget budget(10);
    auto permit = budget.acquire(10);
    REQUIRE(permit.has_value());
    std::jthread([moved = std::move(*permit)] { CHECK(moved.amount() == 10); }).join();
    CHECK(budget.used() == 0);
  }
}
