#pragma once

#include <functional>
#include <string_view>

#include "serve_command.hpp"

namespace reachback::service {

/// The whole configuration: with the accounts, tokens and cookie key of the files that the command names.
/// Throws StartError, one line, when one of them cannot be read or the configuration makes no sense. A key
/// file that is absent is made, but not by a command that only checks.
[[nodiscard]] Config prepare(ServeCommand command, std::function<void(LogLevel, std::string_view)> log);

}  // namespace reachback::service
