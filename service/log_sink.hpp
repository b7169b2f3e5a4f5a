#pragma once

#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace reachback::service {

/// Writes lines to a descriptor that may take none for a while, or never again: a full disk, a pipe that
/// nobody reads. It waits where waiting helps and loses the line where not; the next line that goes out comes
/// behind one that says how many were lost. On the thread of `queue` alone, but for `end_by`.
class LogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  /// What `queue` had no room for counts as lost as well.
  LogSink(int descriptor, spdlog::details::thread_pool& queue) : descriptor_(descriptor), queue_(queue) {}

  /// From then on nothing is waited for: lines go out at once or are lost. Any thread.
  void end_by(std::chrono::steady_clock::time_point when) { end_by_ = when; }

 private:
  void sink_it_(spdlog::details::log_msg const& message) override;
  void flush_() override {}

  [[nodiscard]] bool write(spdlog::details::log_msg const& message);
  [[nodiscard]] bool write(std::string_view text);
  [[nodiscard]] bool wait_writable() const;
  void count_overrun();
  [[nodiscard]] bool say_what_is_lost();

  int const descriptor_;
  spdlog::details::thread_pool& queue_;
  std::atomic<std::chrono::steady_clock::time_point> end_by_ = std::chrono::steady_clock::time_point::max();
  std::size_t overrun_ = 0;  ///< of the queue, as far as it is counted in `lost_`
  std::size_t lost_ = 0;     ///< lines, since it was last said
  bool torn_ = false;        ///< what was written last lacks its end
};

}  // namespace reachback::service
