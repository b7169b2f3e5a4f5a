#pragma once

#include <functional>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::service {

/// Writes one line per text to stderr, of `least` and above. Any thread; each line goes out whole and at
/// once.
[[nodiscard]] std::function<void(LogLevel, std::string_view)> make_log(LogLevel least);

}  // namespace reachback::service
