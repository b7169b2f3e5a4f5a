#pragma once

#include <sys/resource.h>

#include <atomic>
#include <exception>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

namespace reachback::bench {

/// How far this thread gives way, since load and server may share the cores; below 0 is for root, else in
/// vain.
inline void be_nice(int nice) {
  (void)::setpriority(PRIO_PROCESS, 0, nice);  // of Linux: 0 is this thread
}

/// A thread that works beside the one that measures.
class Worker {
 public:
  /// `nice`: see `be_nice`.
  Worker(int nice, std::function<void(std::stop_token const&)> work)
      : thread_([this, nice, work = std::move(work)](std::stop_token const& stop) {
          be_nice(nice);
          try {
            work(stop);
          } catch (...) {
            failure_ = std::current_exception();
          }
          ended_ = true;
        }) {}

  [[nodiscard]] bool ended() const { return ended_; }
  /// Ends it and throws what it threw.
  void finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  std::exception_ptr failure_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

}  // namespace reachback::bench
