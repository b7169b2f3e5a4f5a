#include "logging.hpp"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "log_sink.hpp"
#include "options.hpp"

namespace reachback::service {
namespace {

/// Lines that wait to be written; beyond, the oldest are lost.
constexpr std::size_t waiting_lines = 4096;
/// A pipe takes so much whole or not at all (PIPE_BUF), the time and the level included.
constexpr std::size_t longest_text = 4000;
/// For what still waits when the program ends.
constexpr auto last_lines = std::chrono::seconds(1);

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// As long as it lives, threads that are started take no signal.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(NoSignals const&) = delete;
  NoSignals& operator=(NoSignals const&) = delete;

 private:
  sigset_t before_{};
};

std::shared_ptr<spdlog::details::thread_pool> make_queue() {
  // A signal that reached the writing thread would end the program instead of waking who waits for it.
  NoSignals const at_start;
  return std::make_shared<spdlog::details::thread_pool>(waiting_lines, 1);
}

/// A thread of its own writes, so that a slow disk and a full pipe hold up the log alone.
class Log {
 public:
  explicit Log(LogLevel least) {
    logger_->set_level(to_spdlog(least));
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  }
  ~Log() { sink_->end_by(std::chrono::steady_clock::now() + last_lines); }
  Log(Log const&) = delete;
  Log& operator=(Log const&) = delete;

  void write(LogLevel level, std::string_view text) {
    auto const rank = to_spdlog(level);
    if (!logger_->should_log(rank)) return;
    logger_->log(rank, spdlog::string_view_t(one_line(std::string(text.substr(0, longest_text)))));
  }

 private:
  // spdlog shares them; we are the last to let go, and the queue's end waits for its thread.
  std::shared_ptr<spdlog::details::thread_pool> queue_ = make_queue();
  std::shared_ptr<LogSink> sink_ = std::make_shared<LogSink>(STDERR_FILENO, *queue_);
  std::shared_ptr<spdlog::async_logger> logger_ = std::make_shared<spdlog::async_logger>(
      "reachback", sink_, queue_, spdlog::async_overflow_policy::overrun_oldest);
};

}  // namespace

std::function<void(LogLevel, std::string_view)> make_log(LogLevel least) {
  // Shared by all copies of the function; the last of them ends it.
  auto const log = std::make_shared<Log>(least);
  return [log](LogLevel level, std::string_view text) { log->write(level, text); };
}

}  // namespace reachback::service
