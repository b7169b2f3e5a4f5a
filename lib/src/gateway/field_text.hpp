#pragma once

#include <string_view>
#include <vector>

#include "wire/http_head.hpp"

namespace reachback::gateway {

/// Without the blanks around it.
[[nodiscard]] std::string_view trim(std::string_view text);
/// The elements of a field that is a comma-separated list, on one line or several, in their order.
[[nodiscard]] std::vector<std::string_view> list_elements(wire::HttpFields const& fields,
                                                          std::string_view name);

}  // namespace reachback::gateway
