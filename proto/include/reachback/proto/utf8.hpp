#pragma once

#include <cstddef>
#include <string_view>

namespace reachback::proto {

/// Whether `text` is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// The length of the longest prefix of `text` that is UTF-8.
[[nodiscard]] std::size_t valid_utf8_prefix(std::string_view text);

}  // namespace reachback::proto
