#include "gateway/login_desk.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using gateway::LoginDesk;
using gateway::LoginTry;
using gateway::LoginVerdict;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::until;
using Kind = LoginVerdict::Kind;

namespace {

/// Checks passwords when a test lets it: each check waits for its turn, as one that takes long does.
class Checks {
 public:
  explicit Checks(std::string right = "right") : right_(std::move(right)) {}

  [[nodiscard]] bool operator()(std::string_view user, std::string_view password) {
    std::future<void> turn;
    {
      std::lock_guard const lock(mutex_);
      begun_.emplace_back(user);
      std::promise<void> promise;
      turn = promise.get_future();
      allowed_ > 0 ? (--allowed_, promise.set_value()) : void(waiting_.push_back(std::move(promise)));
    }
    turn.wait();
    return password == right_;
  }

  /// Lets so many checks end, those that wait first.
  void allow(unsigned count) {
    std::lock_guard const lock(mutex_);
    for (; count > 0 && !waiting_.empty(); --count) {
      waiting_.front().set_value();
      waiting_.pop_front();
    }
    allowed_ += count;
  }
  [[nodiscard]] std::vector<std::string> begun() const {
    std::lock_guard const lock(mutex_);
    return begun_;
  }

 private:
  std::string const right_;
  mutable std::mutex mutex_;
  std::vector<std::string> begun_;
  std::deque<std::promise<void>> waiting_;
  unsigned allowed_ = 0;
};

/// A desk whose checks the test steers.
struct Desk : Bench {
  Checks checks;
  Config config;
  std::optional<LoginDesk> desk;

  explicit Desk(std::function<void(Config&)> const& change = [](Config&) {}) {
    config.check_password = std::ref(checks);
    change(config);
    desk.emplace(config, clock);
  }
};

auto with_bound(std::size_t bound) {
  return [bound](Config& config) { config.limits.logins = bound; };
}

LoginTry attempt(std::string user, std::string password, std::string address = "10.0.0.1") {
  return {std::move(user), std::move(password), std::move(address)};
}

Task<LoginVerdict> judge(Desk& desk, std::string user, std::string password,
                         std::string address = "10.0.0.1") {
  LoginTry one = attempt(std::move(user), std::move(password), std::move(address));
  LoginVerdict const verdict = co_await desk.desk->judge(std::move(one));
  co_return verdict;
}

/// Tries beside the test's own coroutine; what became of them in the order in which they ended.
class Tries {
 public:
  explicit Tries(Desk& desk) : desk_(desk) {}

  void start(std::string user, std::string password, std::string address = "10.0.0.1") {
    running_.push_back(
        std::make_unique<Beside>(desk_.shard, run(std::move(user), std::move(password), std::move(address))));
  }
  Task<> join() {
    for (auto& one : running_) co_await one->join();
  }
  [[nodiscard]] std::size_t count(Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(ended_, kind));
  }
  [[nodiscard]] std::vector<Kind> const& ended() const { return ended_; }
  [[nodiscard]] Beside& operator[](std::size_t index) { return *running_.at(index); }

 private:
  Task<> run(std::string user, std::string password, std::string address) {
    LoginVerdict const verdict =
        co_await judge(desk_, std::move(user), std::move(password), std::move(address));
    ended_.push_back(verdict.kind);
  }

  Desk& desk_;
  std::vector<Kind> ended_;
  std::vector<std::unique_ptr<Beside>> running_;
};

}  // namespace

TEST_SUITE("log-in desk") {
  TEST_CASE("tells right from wrong") {
    Desk desk;
    desk.checks.allow(2);
    on_shard(desk.shard, [&]() -> Task<> {
      auto const right = co_await judge(desk, "ann", "right");
      auto const wrong = co_await judge(desk, "bob", "wrong");
      CHECK(right.kind == Kind::right);
      CHECK(wrong.kind == Kind::wrong);
    });
    CHECK(desk.checks.begun() == std::vector<std::string>{"ann", "bob"});
  }

  TEST_CASE("the shard goes on while a password is checked, and one is checked at a time") {
    Desk desk;
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      tries.start("ann", "right");
      tries.start("bob", "right");
      co_await until(desk.shard, [&] { return !desk.checks.begun().empty(); });
      for (int turns = 0; turns < 100; ++turns) co_await test::turn(desk.shard);
      CHECK(tries.ended().empty());
      CHECK(desk.checks.begun().size() == 1);
      desk.checks.allow(2);
      co_await tries.join();
      CHECK(tries.count(Kind::right) == 2);
    });
  }

  TEST_CASE("after a failure the user's next try there waits, and is not looked at") {
    Desk desk;
    desk.checks.allow(10);
    on_shard(desk.shard, [&]() -> Task<> {
      auto verdict = co_await judge(desk, "ann", "wrong");
      CHECK(verdict.kind == Kind::wrong);
      desk.clock.advance(4s);
      verdict = co_await judge(desk, "ann", "right");
      CHECK(verdict.kind == Kind::too_soon);
      CHECK(verdict.wait == 6s);
      verdict = co_await judge(desk, "ann", "right", "10.0.0.2");
      CHECK(verdict.kind == Kind::right);
      verdict = co_await judge(desk, "bob", "right");
      CHECK(verdict.kind == Kind::right);
      desk.clock.advance(6s);
      verdict = co_await judge(desk, "ann", "right");
      CHECK(verdict.kind == Kind::right);
    });
    CHECK(desk.checks.begun() == std::vector<std::string>{"ann", "ann", "bob", "ann"});
  }

  TEST_CASE("a right password makes nobody wait") {
    Desk desk;
    desk.checks.allow(3);
    on_shard(desk.shard, [&]() -> Task<> {
      for (int i = 0; i < 3; ++i) {
        auto const verdict = co_await judge(desk, "ann", "right");
        CHECK(verdict.kind == Kind::right);
      }
    });
  }

  TEST_CASE("of many guesses that come at once one is checked") {
    Desk desk;
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      for (int i = 0; i < 20; ++i) tries.start("ann", "guess " + std::to_string(i));
      desk.checks.allow(20);
      co_await tries.join();
      CHECK(tries.count(Kind::wrong) == 1);
      CHECK(tries.count(Kind::too_soon) == 19);
    });
    CHECK(desk.checks.begun().size() == 1);
  }

  TEST_CASE("only so many wait; one more is refused at once and costs nothing") {
    Desk desk(with_bound(3));
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      for (auto const* const user : {"ann", "bob", "cat"}) tries.start(user, "right");
      co_await test::turn(desk.shard);
      auto const refused = co_await judge(desk, "dan", "right");
      CHECK(refused.kind == Kind::too_many);
      CHECK(tries.ended().empty());
      desk.checks.allow(3);
      co_await tries.join();
      CHECK(tries.count(Kind::right) == 3);
      desk.checks.allow(1);
      auto const again = co_await judge(desk, "dan", "right");
      CHECK(again.kind == Kind::right);
    });
    CHECK(desk.checks.begun().size() == 4);
  }

  TEST_CASE("one who gave up keeps its place until its turn has come, and then it is free") {
    Desk desk(with_bound(2));
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      tries.start("ann", "right");
      tries.start("bob", "right");
      co_await until(desk.shard, [&] { return !desk.checks.begun().empty(); });
      tries[1].cancel();
      co_await tries[1].join();
      CHECK(tries[1].failed());
      auto const refused = co_await judge(desk, "cat", "right");
      CHECK(refused.kind == Kind::too_many);
      desk.checks.allow(3);
      co_await tries.join();
      co_await until(desk.shard, [&] { return desk.checks.begun().size() == 2; });
      LoginVerdict free{Kind::too_many, {}};
      while (free.kind == Kind::too_many) free = co_await judge(desk, "cat", "right");
      CHECK(free.kind == Kind::right);
    });
  }

  TEST_CASE("a check that throws says nothing about the password, is logged, and the next goes well") {
    std::vector<std::string> logged;
    bool broken = true;
    Desk desk([&](Config& config) {
      config.check_password = [&](std::string_view, std::string_view) {
        return broken ? throw std::runtime_error("the file is on fire") : true;
      };
      config.log = [&](LogLevel level, std::string_view text) {
        CHECK(level == LogLevel::error);
        logged.emplace_back(text);
      };
    });
    on_shard(desk.shard, [&]() -> Task<> {
      auto verdict = co_await judge(desk, "ann", "secret");
      CHECK(verdict.kind == Kind::unavailable);
      broken = false;
      verdict = co_await judge(desk, "ann", "secret");
      CHECK(verdict.kind == Kind::right);
    });
    REQUIRE(logged.size() == 1);
    CHECK(logged[0].find("the file is on fire") != std::string::npos);
    CHECK(logged[0].find("secret") == std::string::npos);
  }

  TEST_CASE("a check that throws what is no exception ends nothing either") {
    Desk desk([](Config& config) {
      config.check_password = [](std::string_view, std::string_view) -> bool { throw 17; };
    });
    on_shard(desk.shard, [&]() -> Task<> {
      auto const verdict = co_await judge(desk, "ann", "secret");
      CHECK(verdict.kind == Kind::unavailable);
    });
  }

  TEST_CASE("when the end is near those who wait are refused, behind the one check that runs") {
    Desk desk;
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      for (auto const* const user : {"ann", "bob", "cat"}) tries.start(user, "right");
      co_await until(desk.shard, [&] { return !desk.checks.begun().empty(); });
      desk.desk->end();
      desk.checks.allow(3);
      co_await tries.join();
      CHECK(tries.count(Kind::right) == 1);
      CHECK(tries.count(Kind::unavailable) == 2);
    });
    CHECK(desk.checks.begun().size() == 1);
  }

  TEST_CASE("its end waits for the check that runs, and everybody hears") {
    Desk desk;
    on_shard(desk.shard, [&]() -> Task<> {
      Tries tries(desk);
      for (auto const* const user : {"ann", "bob", "cat"}) tries.start(user, "right");
      co_await until(desk.shard, [&] { return !desk.checks.begun().empty(); });
      std::jthread const helper([&] { desk.checks.allow(3); });
      desk.desk.reset();
      co_await tries.join();
      CHECK(tries.ended().size() == 3);
      CHECK(tries.ended().front() == Kind::right);
    });
  }

  TEST_CASE("names and passwords have a greatest length, over which they are wrong") {
    Desk desk;
    desk.checks.allow(2);
    std::string const longest(LoginDesk::longest, 'x');
    on_shard(desk.shard, [&]() -> Task<> {
      auto verdict = co_await judge(desk, longest + 'x', "right");
      CHECK(verdict.kind == Kind::wrong);
      verdict = co_await judge(desk, "ann", longest + 'x');
      CHECK(verdict.kind == Kind::wrong);
      CHECK(desk.checks.begun().empty());
      verdict = co_await judge(desk, longest, "right");
      CHECK(verdict.kind == Kind::right);
    });
  }

  TEST_CASE("without users every password is wrong") {
    Bench bench;
    Config const config;
    LoginDesk desk(config, bench.clock);
    on_shard(bench.shard, [&]() -> Task<> {
      for (auto const* const user : {"", "test"}) {
        LoginTry one = attempt(user, user);
        auto const verdict = co_await desk.judge(std::move(one));
        CHECK(verdict.kind == Kind::wrong);
      }
    });
  }
}

TEST_SUITE("log-in desk in test mode") {
  TEST_CASE("knows test/test alone, never makes anybody wait, and asks nobody") {
    Desk desk([](Config& config) { config.test_mode = true; });
    on_shard(desk.shard, [&]() -> Task<> {
      for (auto const& [user, password] :
           {std::pair{"test", "tesT"}, {"test", ""}, {"", "test"}, {"ann", "right"}}) {
        auto const verdict = co_await judge(desk, user, password);
        CHECK(verdict.kind == Kind::wrong);
      }
      auto const verdict = co_await judge(desk, "test", "test");
      CHECK(verdict.kind == Kind::right);
    });
    CHECK(desk.checks.begun().empty());
  }
}
