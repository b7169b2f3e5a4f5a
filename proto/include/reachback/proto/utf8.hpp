#pragma once

#include <cstddef>
#include <string_view>

namespace reachback::proto {

/// Whether `text` is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// The length of the longest prefix of `text` that is UTF-8.
[[nodiscard]] std::size_t valid_utf8_prefix(std::string_view text);

/// The longest beginning of `text`, which is UTF-8, that has at most `limit` bytes and cuts no character.
[[nodiscard]] std::string_view cut_between_characters(std::string_view text, std::size_t limit);

/// Checks a text that comes bit by bit, and reads no character twice.
class Utf8Checker {
 public:
  /// The text as far as it has come: what was there before, and more. False as soon as nothing that follows
  /// can make it UTF-8. Of what has come, the last `ascii` bytes are known to be ASCII: they need not
  /// be read.
  bool grow(std::string_view text, std::size_t ascii = 0);
  /// The whole text: whether it is UTF-8.
  [[nodiscard]] bool complete(std::string_view text, std::size_t ascii = 0) {
    return grow(text, ascii) && valid_ == text.size();
  }

 private:
  std::size_t valid_ = 0;
};

}  // namespace reachback::proto
