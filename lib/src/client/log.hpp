#pragma once

#include <functional>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::client {

/// Never empty; called on the service's thread and on its workers.
using Log = std::function<void(LogLevel, std::string_view)>;

}  // namespace reachback::client
