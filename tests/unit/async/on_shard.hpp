#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <utility>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "support/manual_clock.hpp"

namespace reachback::test {

using async::Task;

/// A shard that the test's own thread runs, with time that the test moves.
struct Bench {
  ManualClock clock;
  async::Shard shard{0, clock};
};

/// Something to be flushed.
class Page final : public async::Flushable {
 public:
  explicit Page(std::function<void()> flushed) : flushed_(std::move(flushed)) {}
  void flush() override { flushed_(); }

 private:
  std::function<void()> flushed_;
};

/// Holds the shard for longer than a turn should last.
inline void be_busy() {
  auto const long_enough = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (std::chrono::steady_clock::now() < long_enough) {}
}

/// Lets everything that is ready now run first.
inline Task<> turn(async::Shard& shard) { co_await async::asio::post(shard.strand(), async::use_task); }

/// Lets the loop turn until `condition` holds. `on_shard` bounds how long.
template <class Condition>
Task<> until(async::Shard& shard, Condition condition) {
  while (!condition()) co_await turn(shard);
}

/// Moves the clock, and returns when what became due has run.
inline Task<> move_clock(Bench& bench, core::Duration duration) {
  bench.clock.advance(duration);
  co_await turn(bench.shard);
}

/// Runs the coroutine that `body` returns, and whatever it started, until all is over. Rethrows what leaves
/// it. A body that does not end is given up after a minute.
template <class Body>
void on_shard(async::Shard& shard, Body body) {
  using Timer =
      async::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        async::asio::wait_traits<std::chrono::steady_clock>, async::Executor>;
  auto& context = shard.strand().context();
  std::exception_ptr failure;
  Timer guard(shard.strand(), std::chrono::minutes(1));
  guard.async_wait([&](async::error_code const& error) {
    if (error) return;
    failure = std::make_exception_ptr(std::runtime_error("the test does not come to its end"));
    context.stop();
  });
  async::asio::co_spawn(shard.strand(), body(), [&](std::exception_ptr const& error) {
    guard.cancel();
    failure = error;
    // What a failed test leaves behind may never end.
    error ? context.stop() : shard.stop();
  });
  shard.run();
  if (failure) std::rethrow_exception(failure);
}

/// A coroutine beside the test's own.
class Beside {
 public:
  Beside(async::Shard& shard, Task<> task) : shard_(shard) {
    async::asio::co_spawn(
        shard.strand(), std::move(task),
        async::asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr const& error) {
          over_ = true;
          failure_ = error;
        }));
  }
  Beside(Beside const&) = delete;
  Beside& operator=(Beside const&) = delete;

  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool failed() const { return failure_ != nullptr; }
  void cancel() { cancel_.emit(async::asio::cancellation_type::terminal); }
  /// Returns when it is over, however it ended.
  [[nodiscard]] Task<> join() {
    while (!over_) co_await turn(shard_);
  }

 private:
  async::Shard& shard_;
  async::asio::cancellation_signal cancel_;
  bool over_ = false;
  std::exception_ptr failure_;
};

}  // namespace reachback::test
