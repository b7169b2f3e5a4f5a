#pragma once

#include <string_view>
#include <vector>

#include "setting.hpp"

namespace reachback::service {

/// Everything that `reachback serve` can be told, in the order of its help.
[[nodiscard]] std::vector<Setting> const& settings();

/// The setting of that name, which has to exist.
[[nodiscard]] Setting const& setting_named(std::string_view name);

}  // namespace reachback::service
