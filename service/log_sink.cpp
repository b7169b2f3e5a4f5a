#include "log_sink.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace reachback::service {
namespace {

using Clock = std::chrono::steady_clock;

/// How late `end_by` may be noticed.
constexpr int patience_ms = 100;

}  // namespace

void LogSink::sink_it_(spdlog::details::log_msg const& message) {
  count_overrun();
  bool const written = say_what_is_lost() && write(message);
  if (!written) ++lost_;
}

void LogSink::count_overrun() {
  std::size_t const overrun = queue_.overrun_counter();
  lost_ += overrun - std::exchange(overrun_, overrun);
}

bool LogSink::say_what_is_lost() {
  if (lost_ == 0) return true;
  auto const text =
      fmt::format("{} line{} of this log {} lost", lost_, lost_ == 1 ? "" : "s", lost_ == 1 ? "was" : "were");
  if (!write(spdlog::details::log_msg("", spdlog::level::warn, text))) return false;
  lost_ = 0;
  return true;
}

bool LogSink::write(spdlog::details::log_msg const& message) {
  spdlog::memory_buf_t line;
  if (torn_) line.push_back('\n');
  spdlog::memory_buf_t formatted;
  formatter_->format(message, formatted);
  line.append(formatted);
  return write(std::string_view(line.data(), line.size()));
}

bool LogSink::write(std::string_view text) {
  bool begun = torn_;
  while (!text.empty()) {
    if (!wait_writable()) break;
    auto const count = ::write(descriptor_, text.data(), text.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) break;
    text.remove_prefix(static_cast<std::size_t>(count));
    begun = true;
  }
  torn_ = begun && !text.empty();
  return text.empty();
}

// True when writing would not block, which includes that it would fail.
bool LogSink::wait_writable() const {
  pollfd waiting{descriptor_, POLLOUT, 0};
  while (true) {
    bool const at_end = Clock::now() >= end_by_.load();
    if (::poll(&waiting, 1, at_end ? 0 : patience_ms) > 0) return true;
    if (at_end) return false;
  }
}

}  // namespace reachback::service
