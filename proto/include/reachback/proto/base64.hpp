#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reachback::proto {

/// Appends the base64 of a stream whose pieces come in any length: what does not fill three bytes waits for
/// the next piece. Encoding by OpenSSL.
class Base64Encoder {
 public:
  void update(std::string_view bytes, std::string& out);
  /// Writes what waits, padded, and starts over.
  void finish(std::string& out);

 private:
  std::array<char, 3> waiting_ = {};
  std::size_t waiting_size_ = 0;
};

[[nodiscard]] std::string to_base64(std::string_view bytes);

/// Whether a text may end with `=`: only the end of a stream may.
enum class Padding : std::uint8_t { refused, allowed };

/// Appends the bytes of whole groups of four letters (RFC 4648, section 4). False: `text` is no base64, its
/// length is no multiple of four, or padding stands where none may; what was appended then means nothing.
[[nodiscard]] bool decode_base64(std::string_view text, Padding padding, std::string& out);

}  // namespace reachback::proto
