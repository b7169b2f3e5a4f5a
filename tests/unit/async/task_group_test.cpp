#include "async/task_group.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::Signal;
using async::Task;
using async::TaskGroup;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::turn;

namespace {

/// Keeps the texts of what children threw.
struct Reports {
  TaskGroup::Report take() {
    return [this](std::exception_ptr const& error) {
      try {
        std::rethrow_exception(error);
      } catch (std::exception const& exception) {
        texts.emplace_back(exception.what());
      }
    };
  }
  std::vector<std::string> texts;
};

Task<> wait_for(Signal& signal, int& ended) {
  co_await signal.wait();
  ++ended;
}

Task<> fail_after(Signal& signal, std::string text) {
  co_await signal.wait();
  throw std::runtime_error(text);
}

Task<> fail_at_once(std::string text) {
  throw std::runtime_error(text);
  co_return;
}

}  // namespace

TEST_SUITE("task group") {
  TEST_CASE("join waits for every child") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      Signal first(bench.shard.strand()), second(bench.shard.strand());
      int ended = 0;
      group.spawn(wait_for(first, ended));
      group.spawn(wait_for(second, ended));
      CHECK(group.size() == 2);
      Beside joining(bench.shard, group.join());
      first.notify();
      co_await test::until(bench.shard, [&] { return ended == 1; });
      co_await turn(bench.shard);
      CHECK_FALSE(joining.over());
      second.notify();
      co_await joining.join();
      CHECK(ended == 2);
      CHECK(group.size() == 0);
    });
    CHECK(reports.texts.empty());
  }

  TEST_CASE("join returns at once when there is no child, and can be repeated") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      co_await group.join();
      Signal signal(bench.shard.strand());
      int ended = 0;
      group.spawn(wait_for(signal, ended));
      signal.notify();
      co_await group.join();
      co_await group.join();
      CHECK(ended == 1);
    });
  }

  TEST_CASE("join waits for children spawned while it waits") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      Signal first(bench.shard.strand()), second(bench.shard.strand());
      int ended = 0;
      group.spawn(wait_for(first, ended));
      Beside joining(bench.shard, group.join());
      co_await turn(bench.shard);
      group.spawn(wait_for(second, ended));
      first.notify();
      co_await test::until(bench.shard, [&] { return ended == 1; });
      co_await turn(bench.shard);
      CHECK_FALSE(joining.over());
      second.notify();
      co_await joining.join();
      CHECK(ended == 2);
    });
  }

  TEST_CASE("a child starts in the turn in which it is spawned") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      bool started = false;
      auto child = [](bool& flag) -> Task<> {
        flag = true;
        co_return;
      };
      group.spawn(child(started));
      CHECK(started);
      co_await group.join();
    });
  }

  TEST_CASE("an exception is reported and ends that child alone") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      Signal failing(bench.shard.strand()), other(bench.shard.strand());
      int ended = 0;
      group.spawn(fail_after(failing, "one"));
      group.spawn(wait_for(other, ended));
      group.spawn(fail_at_once("at once"));
      failing.notify();
      co_await test::until(bench.shard, [&] { return group.size() == 1; });
      CHECK(ended == 0);
      other.notify();
      co_await group.join();
      CHECK(ended == 1);
    });
    CHECK(reports.texts == std::vector<std::string>{"at once", "one"});
  }

  TEST_CASE("cancel ends the children that wait, and join then returns") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      Signal never(bench.shard.strand()), never_either(bench.shard.strand());
      int ended = 0;
      group.spawn(wait_for(never, ended));
      group.spawn(wait_for(never_either, ended));
      co_await turn(bench.shard);
      group.cancel();
      co_await group.join();
      CHECK(group.size() == 0);
    });
  }

  TEST_CASE("a child spawned after cancel is not cancelled") {
    Bench bench;
    Reports reports;
    on_shard(bench.shard, [&]() -> Task<> {
      TaskGroup group(bench.shard.strand(), reports.take());
      group.cancel();
      Signal signal(bench.shard.strand());
      int ended = 0;
      group.spawn(wait_for(signal, ended));
      co_await turn(bench.shard);
      CHECK(group.size() == 1);
      signal.notify();
      co_await group.join();
      CHECK(ended == 1);
    });
  }
}

TEST_SUITE("signal") {
  TEST_CASE("a notification that nobody waits for is kept, but only one") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      signal.notify();
      signal.notify();
      co_await signal.wait();
      Beside waiting(bench.shard, signal.wait());
      co_await turn(bench.shard);
      CHECK_FALSE(waiting.over());
      signal.notify();
      co_await waiting.join();
      CHECK_FALSE(waiting.failed());
    });
  }

  TEST_CASE("the waiter does not run inside notify") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      int ended = 0;
      Beside waiting(bench.shard, wait_for(signal, ended));
      co_await turn(bench.shard);
      signal.notify();
      CHECK(ended == 0);
      co_await waiting.join();
      CHECK(ended == 1);
    });
  }

  TEST_CASE("a notification between a wake-up and the waiter's turn is kept for the next wait") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      int ended = 0;
      Beside first(bench.shard, wait_for(signal, ended));
      co_await turn(bench.shard);
      signal.notify();
      signal.notify();
      co_await first.join();
      Beside second(bench.shard, wait_for(signal, ended));
      co_await second.join();
      CHECK(ended == 2);
      Beside third(bench.shard, wait_for(signal, ended));
      co_await turn(bench.shard);
      CHECK_FALSE(third.over());
      signal.notify();
      co_await third.join();
    });
  }

  TEST_CASE("a waiter that was notified and then cancelled goes on once, and the next wait is whole") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      Beside waiting(bench.shard, signal.wait());
      co_await turn(bench.shard);
      signal.notify();
      waiting.cancel();
      co_await waiting.join();
      int ended = 0;
      Beside next(bench.shard, wait_for(signal, ended));
      co_await turn(bench.shard);
      CHECK(ended == 0);
      signal.notify();
      co_await next.join();
      CHECK(ended == 1);
    });
  }

  TEST_CASE("a cancelled wait returns") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Signal signal(bench.shard.strand());
      Beside waiting(bench.shard, signal.wait());
      co_await turn(bench.shard);
      waiting.cancel();
      co_await waiting.join();
      CHECK(waiting.over());
    });
  }
}
