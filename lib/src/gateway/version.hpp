#pragma once

#include <string_view>

namespace reachback::gateway {

inline constexpr std::string_view version = REACHBACK_VERSION;  // from CMake's project()

}  // namespace reachback::gateway
