#pragma once

#include <functional>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::service {

/// Writes one line per text to stderr, of `least` and above. Any thread; never blocks. Each line goes out
/// whole and soon, on a thread of its own; where stderr takes none, 4096 lines wait and the oldest beyond
/// them are lost, which the log says when it goes on. The end of the last copy waits up to a second for what
/// still waits.
[[nodiscard]] std::function<void(LogLevel, std::string_view)> make_log(LogLevel least);

}  // namespace reachback::service
