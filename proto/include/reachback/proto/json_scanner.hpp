#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "reachback/proto/json_text.hpp"

namespace reachback::proto {

enum class JsonKind : std::uint8_t { absent, null, boolean, number, string, array, object };

/// A view of one value inside a text that outlives it. Default-constructed it stands for a key that is not
/// there.
struct JsonValue {
  std::string_view raw;  ///< the value's bytes as they stand, strings with their quotes
  JsonKind kind = JsonKind::absent;

  /// Whether the key is there with a value that says something: `null` counts as absent.
  [[nodiscard]] bool present() const { return kind != JsonKind::absent && kind != JsonKind::null; }
  [[nodiscard]] bool is_true() const { return kind == JsonKind::boolean && raw == "true"; }
  /// The value as an integer; nothing for a fraction, an exponent or what does not fit. `-0` is 0.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  /// The bytes between the quotes of a string, still escaped; empty for any other kind.
  [[nodiscard]] std::string_view string_body() const;
};

struct JsonMember {
  std::string_view key;  ///< between the quotes, still escaped
  JsonValue value;
};

enum class JsonError : std::uint8_t { none, not_an_object, bad_syntax, too_deep };

/// Walks the top-level members of one JSON object (RFC 8259) without building a tree, and checks the syntax
/// of all of it on the way. Lone surrogate escapes pass, numbers may be of any size, nesting goes to
/// `max_depth`. Whether the text is UTF-8 is the caller's question (`is_valid_utf8`): a WebSocket text frame
/// has been checked before.
class ObjectScanner {
 public:
  static constexpr int max_depth = 512;

  /// `text` outlives the scanner and every member that it hands out.
  explicit ObjectScanner(std::string_view text) : text_(text), at_(text.data()) {}

  /// The next member, or nothing: at the end, when `error()` is none, or at the first fault. The text is
  /// known to be valid only when nothing more comes and `error()` is none.
  [[nodiscard]] std::optional<JsonMember> next();
  [[nodiscard]] JsonError error() const { return error_; }

  /// How many bytes have been read; after a fault, where the faulty key or value begins.
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - text_.data()); }

 private:
  enum class State : std::uint8_t { before, inside, ended };

  std::optional<JsonMember> read_member(char const* key);
  std::optional<JsonMember> finish(char const* after);
  std::optional<JsonMember> fail(char const* at, JsonError error);

  std::string_view text_;
  char const* at_;
  State state_ = State::before;
  JsonError error_ = JsonError::none;
};

}  // namespace reachback::proto
