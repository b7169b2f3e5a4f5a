#include "async/signal.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::Signal;
using async::Task;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::turn;

TEST_SUITE("signal") {
  TEST_CASE("a waiter goes on in a later turn, or inside the call where that is wanted") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      std::string told;
      auto const wait = [&]() -> Task<> {
        co_await signal.wait();
        told += "later ";
        co_await signal.wait();
        told += "at once ";
      };
      Beside waiter(bench.shard, wait());
      co_await turn(bench.shard);
      signal.notify();
      CHECK(told.empty());
      co_await turn(bench.shard);
      CHECK(told == "later ");
      signal.notify_at_once();
      CHECK(told == "later at once ");
      co_await waiter.join();
    });
  }

  TEST_CASE("a notification that nobody waits for is kept, whichever way it was given") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      signal.notify_at_once();
      signal.notify_at_once();
      co_await signal.wait();
      signal.notify();
      co_await signal.wait();
      bool came = false;
      auto const wait = [&]() -> Task<> {
        co_await signal.wait();
        came = true;
      };
      Beside waiter(bench.shard, wait());
      co_await turn(bench.shard);
      CHECK_FALSE(came);
      signal.notify_at_once();
      CHECK(came);
      co_await waiter.join();
    });
  }

  TEST_CASE("who goes on inside the call may destroy the signal") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto signal = std::make_unique<Signal>(bench.shard.strand());
      auto const wait = [&]() -> Task<> {
        co_await signal->wait();
        signal.reset();
      };
      Beside waiter(bench.shard, wait());
      co_await turn(bench.shard);
      signal->notify_at_once();
      CHECK(signal == nullptr);
      co_await waiter.join();
    });
  }

  TEST_CASE("a notification that comes when a cancelled waiter is on its way is kept") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      auto const wait = [&]() -> Task<> { co_await signal.wait(); };
      Beside waiter(bench.shard, wait());
      co_await turn(bench.shard);
      waiter.cancel();
      signal.notify_at_once();
      co_await waiter.join();
      co_await signal.wait();
      CHECK(waiter.over());
    });
  }
}
