#pragma once

#include <array>
#include <bit>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "async/clock.hpp"
#include "async/mailbox.hpp"
#include "async/task.hpp"
#include "core/buffer.hpp"
#include "core/deadline_table.hpp"

namespace reachback::async {

/// Something with bytes to send, asked for them once per turn of the loop.
class Flushable {
 public:
  virtual void flush() = 0;

 protected:
  ~Flushable() = default;
};

class Deadline;

/// How long what a shard runs may last.
enum class Work : std::uint8_t {
  brief,   ///< about a millisecond in a turn of the loop, as everywhere that connections live
  lengthy  ///< longer, or it dies before others: what it posts, and what is posted to it, wakes at once
};

/// One io_context run by one thread: an implicit strand. Everything that lives on it is touched by that
/// thread alone; other threads reach it by `post`. It brings what every connection shares: the clock, one
/// deadline table with one timer, the list of what wants to be flushed, a buffer to receive into.
class Shard {
 public:
  using Deadlines = core::DeadlineTable<Deadline*>;
  /// Of one receive into `receive_buffer`.
  static constexpr std::size_t receive_size = 64 * 1024;

  Shard(std::uint32_t index, Clock& clock, Work work = Work::brief);
  ~Shard();
  Shard(Shard const&) = delete;
  Shard& operator=(Shard const&) = delete;

  [[nodiscard]] std::uint32_t index() const { return index_; }
  [[nodiscard]] Executor strand() { return context_.get_executor(); }

  /// Any thread: `function` runs on the shard, not inside this call. It must not throw. Posted by another
  /// shard, both with brief work, it runs at the earliest when that one's turn ends: no turn may wait for it.
  template <class Function>
  void post(Function&& function) {
    mailbox_.put(std::forward<Function>(function));
    if (!mailbox_.woken()) wake_soon();
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

  /// Calls `flush` once, after what is ready in this turn of the loop has run.
  void flush_later(Flushable& flushable);
  /// For one that dies before its turn.
  void forget(Flushable& flushable);

  /// Lets everything else on the shard have its turn: what the sockets have brought is handled, and what is
  /// to be flushed is flushed, as far as a turn goes, before the coroutine goes on. Those that yield take
  /// turns among themselves. Who is cancelled meanwhile hears it at the next wait.
  [[nodiscard]] Task<> yield();

  /// Whether something else wanted to be flushed while somebody waited in `yield`, the last time or a few
  /// times ago: who works off much then does less of it at a time.
  [[nodiscard]] bool has_company() const { return company_ != 0; }

  /// Whether something here works off, slice by slice, what has been received (see `Backlog`).
  [[nodiscard]] bool has_backlog() const { return backlogs_ != 0; }

  /// Scratch memory for one receive; its content lives until the next suspension.
  [[nodiscard]] std::span<char> receive_buffer() { return receive_buffer_; }
  /// Memory for what is sent next, so that nobody keeps any while there is nothing to send: whoever sends
  /// swaps it with a buffer of its own that has none, and back.
  [[nodiscard]] core::Buffer& send_buffer() { return send_buffer_; }

 private:
  friend class Deadline;
  friend class Backlog;

  /// Calls `deadline.due()` at that time, unless the entry is removed before.
  [[nodiscard]] Deadlines::Handle at(core::TimePoint when, Deadline& deadline);
  void move(Deadlines::Handle handle, core::TimePoint when);
  void remove(Deadlines::Handle handle) { deadlines_.remove(handle); }
  void wake_soon();
  void wake_others();
  void post_flush();
  void flush_all();
  void let_others_go_first();
  void resume_yielded();
  void arm();
  void expire();

  std::uint32_t const index_;
  Clock& clock_;
  Work const kind_of_work_;
  // Before the context: what it still holds when it dies may use them.
  Deadlines deadlines_;
  std::vector<Flushable*> dirty_;
  std::vector<Flushable*> flushing_;
  std::size_t next_flush_ = 0;   ///< in `flushing_`
  std::vector<Shard*> to_wake_;  ///< other shards: there are letters of this turn for them
  bool flush_posted_ = false;
  unsigned backlogs_ = 0;
  unsigned company_ = 0;  ///< rounds of what yields for which it is remembered
  /// Other threads only post to it; its sockets and timers need no locks.
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  Mailbox mailbox_{context_.get_executor()};
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             Executor>
      timer_{context_};
  std::optional<core::TimePoint> armed_;
  std::deque<Waiter> yielded_;
  bool resume_posted_ = false;
  bool clock_by_hand_ = false;
  bool stopping_ = false;
  core::Buffer send_buffer_;
  std::array<char, receive_size> receive_buffer_;
};

/// Says for as long as it lives that its shard has received more than it can decode, or pass on to somebody
/// who takes it, in a turn: whoever reads big messages then gives way. On the shard's thread.
class Backlog {
 public:
  explicit Backlog(Shard& shard) : shard_(shard) { ++shard_.backlogs_; }
  ~Backlog() { --shard_.backlogs_; }
  Backlog(Backlog const&) = delete;
  Backlog& operator=(Backlog const&) = delete;

 private:
  Shard& shard_;
};

/// A deadline of one object, gone when that dies. Lives on the shard.
///
/// Its entry in the shard's table may be earlier than the deadline, or be there without one: it is then put
/// right when its time comes. So a deadline that is set anew with each message costs the table nothing.
class Deadline {
 public:
  /// `expired` holds a pointer and no more, such as `[this]`: a connection has several deadlines, and there
  /// are many connections.
  template <class Function>
    requires(sizeof(Function) == sizeof(void*) && std::is_trivially_copyable_v<Function>)
  Deadline(Shard& shard, Function expired)  // NOLINT(clang-analyzer-optin.cplusplus.UninitializedObject)
      : shard_(shard),
        owner_(std::bit_cast<void*>(expired)),
        expired_([](void* owner) { std::bit_cast<Function>(owner)(); }) {}
  ~Deadline();
  Deadline(Deadline const&) = delete;
  Deadline& operator=(Deadline const&) = delete;

  /// Replaces an earlier setting.
  void set(core::TimePoint when);
  void set_in(core::Duration duration) { set(shard_.now() + duration); }
  void clear() { when_ = never; }
  [[nodiscard]] bool is_set() const { return when_ != never; }

 private:
  friend class Shard;
  static constexpr core::TimePoint never = core::TimePoint::max();

  void due();
  void enter(core::TimePoint when);

  Shard& shard_;
  void* owner_;
  void (*expired_)(void* owner);
  core::TimePoint when_ = never;
  core::TimePoint entered_ = never;  ///< the time of the entry
  Shard::Deadlines::Handle handle_{};
};

}  // namespace reachback::async
