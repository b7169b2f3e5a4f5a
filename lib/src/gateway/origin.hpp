#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/field_lines.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

/// Whether a browser says that the request comes from a page elsewhere, which is neither ours (its authority
/// is the Host field's) nor on the list. Asked for upgrades and for what changes state.
[[nodiscard]] bool comes_from_elsewhere(wire::HttpFields const& fields,
                                        std::vector<std::string> const& allowed);

/// The fields that let a page of an allowed origin read the answer; none for other origins.
[[nodiscard]] net::FieldLines cors_fields(wire::HttpFields const& fields,
                                          std::vector<std::string> const& allowed);

}  // namespace reachback::gateway
