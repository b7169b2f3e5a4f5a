#include "async/run_on.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::run_on;
using async::Shard;
using async::Task;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::turn;

namespace {

/// A second shard with a thread of its own.
struct Elsewhere {
  Shard shard{1, async::steady_clock()};
  std::jthread thread;

  void start() {
    thread = std::jthread([this] { shard.run(); });
  }
  ~Elsewhere() { shard.stop(); }
};

}  // namespace

TEST_SUITE("run_on") {
  TEST_CASE("runs at once when this is the target's thread") {
    Bench bench;
    bool turned = false;
    on_shard(bench.shard, [&]() -> Task<> {
      async::asio::post(bench.shard.strand(), [&] { turned = true; });
      int const result = co_await run_on(bench.shard, [] { return 7; });
      CHECK(result == 7);
      CHECK_FALSE(turned);
    });
  }

  TEST_CASE("runs on the other shard's thread and comes back with the result") {
    Bench bench;
    Elsewhere elsewhere;
    elsewhere.start();
    on_shard(bench.shard, [&]() -> Task<> {
      for (int i = 0; i < 100; ++i) {
        Shard* ran_on = nullptr;
        auto ask = [&ran_on, i] {
          ran_on = Shard::current();
          return std::to_string(i);
        };
        std::string const result = co_await run_on(elsewhere.shard, ask);
        REQUIRE(result == std::to_string(i));
        REQUIRE(ran_on == &elsewhere.shard);
        REQUIRE(bench.shard.runs_here());
      }
    });
  }

  TEST_CASE("brings back what can only be moved") {
    Bench bench;
    Elsewhere elsewhere;
    elsewhere.start();
    on_shard(bench.shard, [&]() -> Task<> {
      auto const result = co_await run_on(elsewhere.shard, [] { return std::make_unique<int>(3); });
      REQUIRE(result != nullptr);
      CHECK(*result == 3);
    });
  }

  TEST_CASE("many wait at once, each for its own result") {
    Bench bench;
    Elsewhere elsewhere;
    elsewhere.start();
    on_shard(bench.shard, [&]() -> Task<> {
      int sum = 0;
      auto ask = [&](int number) -> Task<> {
        int const result = co_await run_on(elsewhere.shard, [number] { return number; });
        CHECK(result == number);
        sum += result;
      };
      std::vector<std::unique_ptr<Beside>> asking;
      for (int i = 1; i <= 100; ++i) asking.push_back(std::make_unique<Beside>(bench.shard, ask(i)));
      for (auto const& one : asking) co_await one->join();
      CHECK(sum == 5050);
    });
  }

  TEST_CASE("a cancelled waiter throws, and the function runs all the same") {
    Bench bench;
    Elsewhere elsewhere;  // not started yet: the answer cannot come before the cancellation
    bool run = false;
    on_shard(bench.shard, [&]() -> Task<> {
      auto ask = [&]() -> Task<> {
        bool const result = co_await run_on(elsewhere.shard, [&run] { return run = true; });
        CHECK_FALSE(result);  // never reached
      };
      Beside asking(bench.shard, ask());
      co_await turn(bench.shard);
      asking.cancel();
      co_await asking.join();
      CHECK(asking.failed());
      elsewhere.start();
      bool const second = co_await run_on(elsewhere.shard, [] { return true; });
      CHECK(second);
      CHECK(run);
    });
  }
}
