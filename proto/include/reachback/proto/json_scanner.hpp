#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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
  std::string_view key;         ///< between the quotes, still escaped
  bool key_has_escape = false;  ///< else the key is the name as it stands
  JsonValue value;
};

enum class JsonError : std::uint8_t { none, not_an_object, bad_syntax, too_deep };

/// Walks the top-level members of one JSON object (RFC 8259) without building a tree, and checks the syntax
/// of all of it on the way. Lone surrogate escapes pass, numbers may be of any size, nesting goes to
/// `max_depth`. Whether the text is UTF-8 is the caller's question (`Utf8Checker`): a WebSocket text frame
/// has been checked before.
///
/// The text may be there at once, or come bit by bit: then no byte is read twice, so that a big message costs
/// each turn of its shard only what has just come.
class ObjectScanner {
 public:
  static constexpr int max_depth = 512;

  /// A whole text. It outlives the scanner and every member that it hands out.
  explicit ObjectScanner(std::string_view text) : text_(text), whole_(true) {}
  /// A text that is still to come.
  ObjectScanner() = default;

  /// The text as far as it has come: what was there before, which may have moved meanwhile, and more. Members
  /// handed out before point to where it was.
  void grow(std::string_view text) {
    text_ = text;
    run_ends_ = 0;  // one may be the end of the text
  }
  /// The same, and nothing more will come.
  void complete(std::string_view text) {
    grow(text);
    whole_ = true;
  }

  /// The next member, or nothing: at the end, when `error()` is none, at the first fault, or where the text
  /// goes on behind what has come. The text is known to be valid only when it is complete, nothing more comes
  /// and `error()` is none.
  [[nodiscard]] std::optional<JsonMember> next();
  /// The next members, at most as many as there is room for; returns how many. Fewer when after the last of
  /// them there was nothing, in the sense above.
  [[nodiscard]] std::size_t next(std::span<JsonMember> room);
  [[nodiscard]] JsonError error() const { return error_; }

  /// Whether a line break stood between the tokens read so far; inside of strings there are none.
  [[nodiscard]] bool saw_line_break() const { return saw_line_break_; }

  /// How many bytes have been read; after a fault, where it is.
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  /// What comes next.
  enum class Phase : std::uint8_t {
    before,
    first_key,
    key,
    key_text,
    colon,
    first_value,
    value,
    text,
    zero,
    integer,
    fraction,
    exponent,
    after_value,
    separator,
    behind,
    ended
  };
  struct Reading;

  [[nodiscard]] std::size_t next_plain(std::span<JsonMember> room);
  [[nodiscard]] bool take_text(Reading& in);
  [[nodiscard]] std::optional<JsonMember> next_of_any_form();
  [[nodiscard]] bool open(Reading& in);
  [[nodiscard]] bool in_object() const;
  [[nodiscard]] std::size_t offset(Reading const& in) const;
  std::optional<JsonMember> hand_out(Reading const& in);
  std::optional<JsonMember> pause(Reading const& in, Phase phase);
  std::optional<JsonMember> fail(Reading const& in, JsonError error = JsonError::bad_syntax);
  std::optional<JsonMember> stop(Reading const& in, Phase phase, std::ptrdiff_t token);

  std::string_view text_;
  std::size_t at_ = 0;
  /// Where plain runs end in the 64 bytes from `marked_from_` on, a bit for each; 0 when that is not known.
  std::uint64_t run_ends_ = 0;
  std::size_t marked_from_ = 0;
  std::size_t key_at_ = 0, key_end_ = 0;
  std::size_t value_at_ = 0;
  std::uint32_t depth_ = 0;
  Phase phase_ = Phase::before;
  JsonError error_ = JsonError::none;
  bool whole_ = false;
  bool saw_line_break_ = false;
  /// The containers that are open inside the top-level object, one bit each: hostile nesting costs no stack.
  std::array<std::uint64_t, max_depth / 64> is_object_ = {};
};

}  // namespace reachback::proto
