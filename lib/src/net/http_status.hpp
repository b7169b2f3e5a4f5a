#pragma once

#include <string_view>

namespace reachback::net {

/// The reason phrase of a status (RFC 9110, 15).
[[nodiscard]] std::string_view reason_of(int status);

}  // namespace reachback::net
