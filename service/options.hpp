#pragma once

#include <string>
#include <variant>

#include "account_commands.hpp"
#include "attach.hpp"
#include "environment.hpp"
#include "reachback/config.hpp"
#include "reachback/probe.hpp"
#include "serve_command.hpp"

namespace reachback::service {

/// `reachback attach ENDPOINT ...`
struct AttachCommand {
  AttachOptions options;
  LogLevel log_level = LogLevel::info;
};

/// `reachback health ...`
struct HealthCommand {
  ProbeConfig config;
};

/// Nothing is to be run: help or version (exit code 0, for stdout), or one line that names what
/// makes no sense (exit code 2, for stderr).
struct Notice {
  std::string text;
  int exit_code = 0;
};

using Command =
    std::variant<ServeCommand, AttachCommand, HealthCommand, HashPasswordCommand, NewTokenCommand, Notice>;

[[nodiscard]] Command parse_command_line(int argc, char const* const* argv, Environment const& environment);

/// `text` without control characters, so that it stays on one line.
[[nodiscard]] std::string one_line(std::string text);

}  // namespace reachback::service
