#pragma once

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "async/clock.hpp"
#include "async/mailbox.hpp"
#include "async/task.hpp"
#include "core/deadline_table.hpp"

namespace reachback::async {

/// Something with bytes to send, asked for them once per turn of the loop.
class Flushable {
 public:
  virtual void flush() = 0;

 protected:
  ~Flushable() = default;
};

/// One io_context run by one thread: an implicit strand. Everything that lives on it is touched by that
/// thread alone; other threads reach it by `post`. It brings what every connection shares: the clock, one
/// deadline table with one timer, the list of what wants to be flushed, a buffer to receive into.
class Shard {
 public:
  using Deadlines = core::DeadlineTable<std::function<void()>>;
  /// Of one receive, and so of what is decoded and scanned in one go.
  static constexpr std::size_t receive_size = 64 * 1024;

  Shard(std::uint32_t index, Clock& clock);
  ~Shard();
  Shard(Shard const&) = delete;
  Shard& operator=(Shard const&) = delete;

  [[nodiscard]] std::uint32_t index() const { return index_; }
  [[nodiscard]] Executor strand() { return context_.get_executor(); }

  /// Any thread: `function` runs on the shard, not inside this call. It must not throw.
  template <class Function>
  void post(Function&& function) {
    mailbox_.post(std::forward<Function>(function));
  }
  /// Any thread: at once when this is the shard's thread, else as `post`.
  template <class Function>
  void dispatch(Function&& function) {
    runs_here() ? static_cast<void>(function()) : post(std::forward<Function>(function));
  }
  [[nodiscard]] bool runs_here() const { return current() == this; }
  /// The shard whose thread this is, or null.
  [[nodiscard]] static Shard* current();

  [[nodiscard]] core::TimePoint now() const { return clock_.now(); }

  /// Runs until `stop` was called and nothing is left to do; once.
  void run();
  /// Any thread: lets `run` return when all that lives here has been joined. Deadlines no longer fire.
  void stop();

  // On the shard's thread only, from here on.

  /// Calls `expired` at that time, unless the entry is removed before.
  [[nodiscard]] Deadlines::Handle at(core::TimePoint when, std::function<void()> expired);
  void move(Deadlines::Handle handle, core::TimePoint when);
  void remove(Deadlines::Handle handle) { deadlines_.remove(handle); }

  /// Calls `flush` once, after what is ready in this turn of the loop has run.
  void flush_later(Flushable& flushable);
  /// For one that dies before its turn.
  void forget(Flushable& flushable);

  /// Scratch memory for one receive; its content lives until the next suspension.
  [[nodiscard]] std::span<char> receive_buffer() { return receive_buffer_; }

 private:
  void post_flush();
  void flush_all();
  void arm();
  void expire();

  std::uint32_t const index_;
  Clock& clock_;
  // Before the context: what it still holds when it dies may use them.
  Deadlines deadlines_;
  std::vector<Flushable*> dirty_;
  std::vector<Flushable*> flushing_;
  std::size_t next_flush_ = 0;  ///< in `flushing_`
  bool flush_posted_ = false;
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  Mailbox mailbox_{context_.get_executor()};
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             Executor>
      timer_{context_};
  std::optional<core::TimePoint> armed_;
  bool clock_by_hand_ = false;
  bool stopping_ = false;
  std::array<char, receive_size> receive_buffer_;
};

/// A deadline of one object, removed when it dies. Lives on the shard.
class Deadline {
 public:
  Deadline(Shard& shard, std::function<void()> expired) : shard_(shard), expired_(std::move(expired)) {}
  ~Deadline() { clear(); }
  Deadline(Deadline const&) = delete;
  Deadline& operator=(Deadline const&) = delete;

  /// Replaces an earlier setting.
  void set(core::TimePoint when);
  void set_in(core::Duration duration) { set(shard_.now() + duration); }
  void clear();
  [[nodiscard]] bool is_set() const { return when_.has_value(); }

 private:
  Shard& shard_;
  std::function<void()> expired_;
  Shard::Deadlines::Handle handle_{};
  std::optional<core::TimePoint> when_;
};

}  // namespace reachback::async
