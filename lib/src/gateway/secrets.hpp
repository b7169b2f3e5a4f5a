#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reachback::gateway {

// What credentials are made of; by OpenSSL.

/// Throws std::runtime_error when the system gives none.
[[nodiscard]] std::string random_bytes(std::size_t count);
[[nodiscard]] std::string sha256(std::string_view text);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);
/// Compares without telling by its time where they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// In lower case.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Nothing when it is not pairs of hex digits; letter case does not count.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view hex);

}  // namespace reachback::gateway
