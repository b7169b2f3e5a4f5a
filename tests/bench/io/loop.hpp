#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace reachback::bench {

class Stream;

/// Whoever waits for a descriptor.
class Handler {
 public:
  virtual ~Handler() = default;
  /// `events` as epoll gives them.
  virtual void on_ready(std::uint32_t events) = 0;
};

/// One thread's loop over epoll, edge-triggered: descriptors are registered once and never changed. A turn
/// handles all that is ready and then flushes each stream that has something to send, once.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  void watch(int descriptor, Handler& handler);
  /// The descriptor's events go to another handler from now on, those that wait included.
  void rewatch(int descriptor, Handler& handler);

  /// Keeps the stream until it is buried.
  void adopt(std::unique_ptr<Stream> stream);
  /// Destroys the stream at the end of this turn.
  void bury(Stream& stream);
  /// Flushes the stream at the end of this turn.
  void flush_later(Stream& stream) { dirty_.push_back(&stream); }

  /// Waits up to `timeout_ms` (-1: for ever) for something to happen.
  void turn(int timeout_ms);

  /// From now on `turn` looks again and again for so long before it sleeps; whoever else wants the processor
  /// gets it.
  void stay_awake(std::chrono::nanoseconds time) { awake_ = time; }

  /// Waits up to so long, exactly; for a millisecond `turn` is too coarse. Then comes a turn.
  void turn_within(std::chrono::nanoseconds longest);

  /// Where all streams read to.
  [[nodiscard]] std::span<char> scratch() { return scratch_; }

 private:
  void control(int operation, int descriptor, Handler& handler);
  /// Fills `events` with what is ready, after a wait when there is nothing; returns how many.
  [[nodiscard]] int wait(std::span<epoll_event> events, int timeout_ms) const;

  int epoll_;
  std::chrono::nanoseconds awake_{0};
  std::vector<char> scratch_;
  std::vector<std::unique_ptr<Stream>> streams_;  ///< by descriptor
  std::vector<std::unique_ptr<Stream>> buried_;
  std::vector<Stream*> dirty_;
  std::vector<Stream*> flushing_;
};

}  // namespace reachback::bench
