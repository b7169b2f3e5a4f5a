#include "async/mailbox.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "async/shard.hpp"

using namespace reachback;
using async::Mailbox;

namespace {

struct Office {
  async::asio::io_context context{1};
  Mailbox mailbox{context.get_executor()};
};

}  // namespace

TEST_SUITE("mailbox") {
  TEST_CASE("letters run in the order in which they were posted, and not inside post") {
    Office office;
    std::vector<int> seen;
    for (int i = 0; i < 5; ++i) office.mailbox.post([&seen, i] { seen.push_back(i); });
    CHECK(seen.empty());
    office.context.run();
    CHECK(seen == std::vector<int>{0, 1, 2, 3, 4});
  }

  TEST_CASE("letters that come together cost one wake-up of the loop") {
    Office office;
    int run = 0;
    for (int i = 0; i < 3; ++i) office.mailbox.post([&run] { ++run; });
    CHECK(office.context.run_one() == 1);
    CHECK(run == 3);
    CHECK(office.context.poll() == 0);
  }

  TEST_CASE("a letter posted by a letter comes with the next wake-up") {
    Office office;
    int run = 0;
    office.mailbox.post([&] {
      office.mailbox.post([&run] { ++run; });
      office.mailbox.post([&run] { ++run; });
    });
    office.context.run_one();
    CHECK(run == 0);
    office.context.run_one();
    CHECK(run == 2);
  }

  TEST_CASE("a letter that was put waits for a wake-up, whoever it comes from") {
    Office office;
    int run = 0;
    office.mailbox.put([&run] { ++run; });
    CHECK_FALSE(office.mailbox.woken());
    CHECK(office.context.poll() == 0);
    CHECK(run == 0);
    SUBCASE("its sender's") { office.mailbox.wake(); }
    SUBCASE("another sender's, with a letter of its own") {
      office.mailbox.post([&run] { ++run; });
      CHECK(office.mailbox.woken());
      office.mailbox.wake();
    }
    office.context.restart();
    CHECK(office.context.poll() == 1);
    CHECK(run >= 1);
    CHECK_FALSE(office.mailbox.woken());
  }

  TEST_CASE("to wake an empty mailbox does nothing") {
    Office office;
    office.mailbox.wake();
    CHECK_FALSE(office.mailbox.woken());
    CHECK(office.context.poll() == 0);
  }

  TEST_CASE("letters that were put while others run are not forgotten, though nobody wakes for them") {
    Office office;
    int run = 0;
    office.mailbox.post([&] { office.mailbox.put([&run] { ++run; }); });
    office.context.run();
    CHECK(run == 1);
  }

  TEST_CASE("an empty mailbox is woken again by the next letter") {
    Office office;
    int run = 0;
    for (int i = 1; i <= 3; ++i) {
      office.mailbox.post([&run] { ++run; });
      office.context.restart();
      office.context.run();
      CHECK(run == i);
    }
  }

  TEST_CASE("a letter is destroyed when it has run, before the next one runs") {
    Office office;
    auto const held = std::make_shared<int>(0);
    office.mailbox.post([held] { CHECK(held.use_count() > 1); });
    office.mailbox.post([watched = std::weak_ptr(held)] { CHECK(watched.use_count() == 1); });
    office.context.run();
    CHECK(held.use_count() == 1);
  }

  TEST_CASE("letters may hold what can only be moved") {
    Office office;
    int seen = 0;
    office.mailbox.post([value = std::make_unique<int>(7), &seen] { seen = *value; });
    office.context.run();
    CHECK(seen == 7);
  }

  TEST_CASE("what is left when it dies is destroyed without being run") {
    auto const held = std::make_shared<int>(0);
    bool run = false;
    {
      Office office;
      for (int i = 0; i < 3; ++i) office.mailbox.post([held, &run] { run = true; });
      CHECK(held.use_count() == 4);
    }
    CHECK(held.use_count() == 1);
    CHECK_FALSE(run);
  }

  TEST_CASE("what is posted while it closes is destroyed once, like what waits") {
    // A letter that is just being added is refused with what it was to lie upon, or it waits: never both.
    constexpr int rounds = 500;
    constexpr int letters = 200;
    for (int round = 0; round < rounds; ++round) {
      auto const held = std::make_shared<int>(0);
      Office office;
      std::atomic<int> posted{0};
      std::jthread sender([&] {
        for (; posted < letters; ++posted) office.mailbox.post([held] {});
      });
      while (posted < letters / 4) std::this_thread::yield();
      office.mailbox.close();
      sender.join();
      CHECK(held.use_count() == 1);
    }
  }

  TEST_CASE("each of many threads has its letters delivered in its order, and none is lost") {
    constexpr std::size_t senders = 4;
    constexpr int letters = 20'000;
    async::Shard shard(0, async::steady_clock());
    std::array<int, senders> next{};
    int disorder = 0;
    int left = senders * letters;
    std::vector<std::jthread> threads;
    for (std::size_t sender = 0; sender < senders; ++sender) {
      threads.emplace_back([&, sender] {
        for (int i = 0; i < letters; ++i) {
          shard.post([&, sender, i] {
            if (next[sender]++ != i) ++disorder;
            if (--left == 0) shard.stop();
          });
        }
      });
    }
    shard.run();
    CHECK(disorder == 0);
    for (int const count : next) CHECK(count == letters);
  }
}
