#include "async/shard.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Deadline;
using test::be_busy;
using test::Bench;
using test::move_clock;
using test::on_shard;
using test::turn;

namespace {

/// Counts its flushes and does what it is told meanwhile.
struct Page final : async::Flushable {
  void flush() override {
    ++flushed;
    if (meanwhile) meanwhile();
  }
  int flushed = 0;
  std::function<void()> meanwhile;
};

}  // namespace

TEST_SUITE("shard") {
  TEST_CASE("current is the shard whose thread this is") {
    Bench bench;
    CHECK(async::Shard::current() == nullptr);
    CHECK_FALSE(bench.shard.runs_here());
    on_shard(bench.shard, [&]() -> async::Task<> {
      CHECK(async::Shard::current() == &bench.shard);
      CHECK(bench.shard.runs_here());
      co_return;
    });
    CHECK(async::Shard::current() == nullptr);
  }

  TEST_CASE("dispatch runs at once on the shard's thread, post after the turn") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      std::string order;
      bench.shard.post([&] { order += "posted "; });
      bench.shard.dispatch([&] { order += "dispatched "; });
      order += "then ";
      co_await turn(bench.shard);
      CHECK(order == "dispatched then posted ");
    });
  }

  TEST_CASE("dispatch from another thread arrives on the shard's thread") {
    async::Shard shard(0, async::steady_clock());
    std::thread::id ran_on;
    shard.dispatch([&] {
      ran_on = std::this_thread::get_id();
      shard.stop();
    });
    CHECK(ran_on == std::thread::id());
    std::jthread thread([&] { shard.run(); });
    auto const expected = thread.get_id();
    thread.join();
    CHECK(ran_on == expected);
  }

  TEST_CASE("what a shard posts to another one in a turn comes there together, when the turn has ended") {
    async::Shard here(0, async::steady_clock()), there(1, async::steady_clock());
    std::jthread other([&] { there.run(); });
    std::atomic<int> ran = 0;
    int ran_early = -1, ran_together = 0;
    here.post([&] {
      there.post([&] {
        ++ran;
        async::asio::post(there.strand(), [&] {
          ran_together = ran;
          there.stop();
        });
      });
      // Were the other one awake already, it would have run that before this.
      std::promise<void> turned;
      async::asio::post(there.strand(), [&] { turned.set_value(); });
      turned.get_future().wait();
      ran_early = ran;
      there.post([&] { ++ran; });
      here.stop();
    });
    here.run();
    other.join();
    CHECK(ran_early == 0);
    CHECK(ran_together == 2);
  }

  TEST_CASE("a shard is not deaf for others while one still owes it a wake-up") {
    async::Shard here(0, async::steady_clock()), there(1, async::steady_clock());
    std::jthread other([&] { there.run(); });
    std::promise<void> heard, owed;
    bool was_heard = false;
    here.post([&] {
      there.post([] {});
      // This turn does not end before the letter from a thread that is no shard has been read.
      owed.set_value();
      was_heard = heard.get_future().wait_for(10s) == std::future_status::ready;
      there.stop();
      here.stop();
    });
    std::jthread stranger([&] {
      owed.get_future().wait();
      there.post([&] { heard.set_value(); });
    });
    here.run();
    other.join();
    CHECK(was_heard);
  }

  TEST_CASE("what a shard with lengthy work posts comes at once, and so does what is posted to it") {
    using async::Work;
    for (auto const& [from, to] :
         {std::pair{Work::lengthy, Work::brief}, std::pair{Work::brief, Work::lengthy}}) {
      async::Shard here(0, async::steady_clock(), from), there(1, async::steady_clock(), to);
      std::jthread other([&] { there.run(); });
      bool came = false;
      here.post([&] {
        std::promise<void> heard;
        there.post([&] { heard.set_value(); });
        came = heard.get_future().wait_for(10s) == std::future_status::ready;
        there.stop();
        here.stop();
      });
      here.run();
      other.join();
      CHECK(came);
    }
  }

  TEST_CASE("a shard may be stopped and joined in a turn of another") {
    async::Shard here(0, async::steady_clock());
    here.post([&] {
      async::Shard there(1, async::steady_clock(), async::Work::lengthy);
      std::jthread other([&] { there.run(); });
      there.post([] {});
      there.stop();
      other.join();
      here.stop();
    });
    here.run();
    CHECK(async::Shard::current() == nullptr);
  }

  TEST_CASE("what is posted to a shard that has ended is destroyed, so that nobody waits for it for ever") {
    async::Shard shard(0, async::steady_clock());
    shard.stop();
    shard.run();
    std::promise<int> promise;
    auto future = promise.get_future();
    shard.post([promise = std::move(promise)]() mutable { promise.set_value(1); });
    REQUIRE(future.wait_for(0s) == std::future_status::ready);
    CHECK_THROWS_AS(future.get(), std::future_error);
  }
}

TEST_SUITE("deadline") {
  TEST_CASE("fires once, when its time has come and not before") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline deadline(bench.shard, [&] { ++fired; });
      deadline.set_in(10s);
      CHECK(deadline.is_set());
      co_await move_clock(bench, 9999ms);
      CHECK(fired == 0);
      co_await move_clock(bench, 1ms);
      CHECK(fired == 1);
      CHECK_FALSE(deadline.is_set());
      co_await move_clock(bench, 1h);
      CHECK(fired == 1);
    });
  }

  TEST_CASE("moves earlier and later") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline deadline(bench.shard, [&] { ++fired; });
      deadline.set_in(10s);
      deadline.set_in(2s);
      co_await move_clock(bench, 2s);
      CHECK(fired == 1);
      deadline.set_in(2s);
      deadline.set_in(10s);
      co_await move_clock(bench, 5s);
      CHECK(fired == 1);
      co_await move_clock(bench, 5s);
      CHECK(fired == 2);
    });
  }

  TEST_CASE("set anew again and again, it fires once, at its last time") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline deadline(bench.shard, [&] { ++fired; });
      for (int i = 0; i < 10; ++i) {
        deadline.set_in(5s);
        co_await move_clock(bench, 4s);
      }
      deadline.clear();
      deadline.set_in(7s);
      co_await move_clock(bench, 6s);
      CHECK(fired == 0);
      CHECK(deadline.is_set());
      co_await move_clock(bench, 1s);
      CHECK(fired == 1);
      CHECK_FALSE(deadline.is_set());
      co_await move_clock(bench, 1h);
      CHECK(fired == 1);
    });
  }

  TEST_CASE("does not fire after it was cleared, nor after its death") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline deadline(bench.shard, [&] { ++fired; });
      deadline.set_in(1s);
      deadline.clear();
      CHECK_FALSE(deadline.is_set());
      deadline.clear();
      {
        Deadline short_lived(bench.shard, [&] { ++fired; });
        short_lived.set_in(1s);
      }
      co_await move_clock(bench, 1h);
      CHECK(fired == 0);
      deadline.set_in(1s);
      co_await move_clock(bench, 1s);
      CHECK(fired == 1);
    });
  }

  TEST_CASE("may be set again inside its callback") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      std::optional<Deadline> deadline;
      auto const again = [&] {
        if (++fired < 3) deadline->set_in(1s);
      };
      deadline.emplace(bench.shard, [&again] { again(); });
      deadline->set_in(1s);
      for (int i = 1; i <= 3; ++i) {
        co_await move_clock(bench, 1s);
        CHECK(fired == i);
      }
      CHECK_FALSE(deadline->is_set());
    });
  }

  TEST_CASE("a callback may clear another deadline that is due at the same moment") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      std::optional<Deadline> second;
      auto const clear_second = [&] {
        ++fired;
        second->clear();
      };
      Deadline first(bench.shard, [&clear_second] { clear_second(); });
      second.emplace(bench.shard, [&] { ++fired; });
      first.set_in(1s);
      second->set_in(1s + 1ns);
      co_await move_clock(bench, 2s);
      CHECK(fired == 1);
    });
  }

  TEST_CASE("those that became due together fire in the order of their times") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      std::string order;
      Deadline late(bench.shard, [&] { order += 'c'; });
      Deadline early(bench.shard, [&] { order += 'a'; });
      Deadline middle(bench.shard, [&] { order += 'b'; });
      late.set_in(3s);
      early.set_in(1s);
      middle.set_in(2s);
      co_await move_clock(bench, 1h);
      CHECK(order == "abc");
    });
  }

  TEST_CASE("one that is due when it is set fires without a move of the clock") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline deadline(bench.shard, [&] { ++fired; });
      deadline.set_in(0s);
      CHECK(fired == 0);
      co_await turn(bench.shard);
      CHECK(fired == 1);
    });
  }

  TEST_CASE("goes by the clock of the system too, also when it moves earlier") {
    async::Shard shard(0, async::steady_clock());
    on_shard(shard, [&]() -> async::Task<> {
      int fired = 0;
      Deadline far(shard, [&] { fired += 100; });
      Deadline near(shard, [&] { ++fired; });
      far.set_in(1h);
      auto const begin = std::chrono::steady_clock::now();
      near.set_in(1h);
      near.set_in(1ms);
      co_await test::until(shard, [&] { return fired != 0; });
      CHECK(fired == 1);
      CHECK(std::chrono::steady_clock::now() - begin >= 1ms);
    });
  }

  TEST_CASE("none fires after the shard was told to stop") {
    Bench bench;
    int fired = 0;
    {
      Deadline deadline(bench.shard, [&] { ++fired; });
      bench.shard.stop();
      bench.shard.post([&] {
        deadline.set_in(1s);
        bench.clock.advance(1h);
      });
      bench.shard.run();
    }
    CHECK(fired == 0);
  }
}

TEST_SUITE("flushing") {
  TEST_CASE("flush comes once, after what is ready in the turn") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      Page page;
      int seen_before = -1;
      async::asio::post(bench.shard.strand(), [&] { seen_before = page.flushed; });
      bench.shard.flush_later(page);
      CHECK(page.flushed == 0);
      co_await turn(bench.shard);
      CHECK(seen_before == 0);
      CHECK(page.flushed == 1);
      co_await turn(bench.shard);
      CHECK(page.flushed == 1);
    });
  }

  TEST_CASE("one that asks again while it is flushed has another turn") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      Page page;
      page.meanwhile = [&] {
        if (page.flushed < 3) bench.shard.flush_later(page);
      };
      bench.shard.flush_later(page);
      for (int i = 1; i <= 3; ++i) {
        co_await turn(bench.shard);
        CHECK(page.flushed == i);
      }
      co_await turn(bench.shard);
      CHECK(page.flushed == 3);
    });
  }

  TEST_CASE("one that is forgotten is left alone, also while the others are being flushed") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      Page first, second, third;
      bench.shard.flush_later(first);
      bench.shard.flush_later(second);
      bench.shard.flush_later(third);
      bench.shard.forget(second);
      first.meanwhile = [&] { bench.shard.forget(third); };
      co_await turn(bench.shard);
      CHECK(first.flushed == 1);
      CHECK(second.flushed == 0);
      CHECK(third.flushed == 0);
    });
  }

  TEST_CASE("what takes long is spread over turns of the loop, so that others get theirs") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      std::array<Page, 5> pages;
      int others = 0;
      for (auto& page : pages) {
        page.meanwhile = [&] {
          be_busy();
          async::asio::post(bench.shard.strand(), [&] { ++others; });
        };
        bench.shard.flush_later(page);
      }
      int others_before_last = -1;
      pages.back().meanwhile = [&] { others_before_last = others; };
      co_await test::until(bench.shard, [&] { return pages.back().flushed == 1 && others == 4; });
      for (auto const& page : pages) CHECK(page.flushed == 1);
      CHECK(others_before_last >= 3);
    });
  }
}

TEST_SUITE("turns") {
  TEST_CASE("messages that take long are spread over turns and stay in order") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      std::vector<int> order;
      int turns = 0;
      for (int i = 0; i < 100; ++i) {
        bench.shard.post([&, i] {
          order.push_back(i);
          if (i % 10 == 0) be_busy();
        });
      }
      co_await test::until(bench.shard, [&] { return ++turns, order.size() == 100; });
      CHECK(std::is_sorted(order.begin(), order.end()));
      CHECK(turns > 3);
    });
  }

  TEST_CASE("deadlines that take long are spread over turns, and all that were due fire") {
    Bench bench;
    on_shard(bench.shard, [&]() -> async::Task<> {
      int fired = 0, turns = 0;
      std::deque<Deadline> deadlines;
      for (int i = 0; i < 10; ++i) {
        deadlines
            .emplace_back(bench.shard,
                          [&] {
                            ++fired;
                            be_busy();
                          })
            .set_in(1s);
      }
      bench.clock.advance(1s);
      co_await test::until(bench.shard, [&] { return ++turns, fired == 10; });
      CHECK(turns > 3);
    });
  }
}
