#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "attach.hpp"
#include "reachback/config.hpp"
#include "reachback/probe.hpp"

namespace reachback::service {

/// `reachback serve ...`: everything but `Config::log`.
struct ServeCommand {
  Config config;
  LogLevel log_level = LogLevel::info;
};

/// `reachback attach ENDPOINT ...`
struct AttachCommand {
  AttachOptions options;
  LogLevel log_level = LogLevel::info;
};

/// `reachback health ...`
struct HealthCommand {
  ProbeConfig config;
};

/// Nothing is to be run: help or version (exit code 0, for stdout), or one line that names the flag that
/// makes no sense (exit code 2, for stderr).
struct Notice {
  std::string text;
  int exit_code = 0;
};

using Command = std::variant<ServeCommand, AttachCommand, HealthCommand, Notice>;

/// Gives the value of an environment variable, if it is set.
using Environment = std::function<std::optional<std::string>(std::string const& name)>;

[[nodiscard]] Command parse_command_line(int argc, char const* const* argv, Environment const& environment);

/// `text` without control characters, so that it stays on one line.
[[nodiscard]] std::string one_line(std::string text);

}  // namespace reachback::service
