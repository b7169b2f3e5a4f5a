#pragma once

#include <string_view>

namespace reachback::gateway {

inline constexpr std::string_view version = "0.1.0";

}  // namespace reachback::gateway
