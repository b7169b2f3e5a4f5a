#include "logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "options.hpp"

namespace reachback::service {

namespace {

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

}  // namespace

std::function<void(LogLevel, std::string_view)> make_log(LogLevel least) {
  // Shared by all copies of the function; the last of them ends it.
  auto const logger =
      std::make_shared<spdlog::logger>("reachback", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(to_spdlog(least));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  return [logger](LogLevel level, std::string_view text) {
    auto const rank = to_spdlog(level);
    if (logger->should_log(rank)) logger->log(rank, "{}", one_line(std::string(text)));
  };
}

}  // namespace reachback::service
