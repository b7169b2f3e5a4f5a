#pragma once

#include <string>
#include <string_view>

namespace reachback::proto {

/// Whether an escaped key is `plain` after unescaping. `plain` is ASCII.
[[nodiscard]] bool key_equals(std::string_view escaped_key, std::string_view plain);

/// A form of an escaped key in which two keys are equal exactly when they are equal after unescaping. Lone
/// surrogates stay apart in it, so it is no UTF-8 and only good for comparing.
[[nodiscard]] std::string key_identity(std::string_view escaped_key);

/// Undoes the escapes of a string's body. A surrogate pair becomes UTF-8, a lone surrogate U+FFFD. `body`
/// comes from the scanner, so its escapes are sound.
[[nodiscard]] std::string unescape(std::string_view body);

/// `text` as the body of a JSON string: quotes, backslashes and control characters escaped. What is not UTF-8
/// in it becomes U+FFFD, byte for byte, so that the result can stand in any message.
[[nodiscard]] std::string escape(std::string_view text);

}  // namespace reachback::proto
