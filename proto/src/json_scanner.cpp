#include "reachback/proto/json_scanner.hpp"

#include <array>
#include <charconv>

#include "plain_run.hpp"

namespace reachback::proto {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_open_bracket(char c) { return c == '{' || c == '['; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// The containers that are open inside the top-level object, one bit each: hostile nesting costs no stack.
class Nesting {
 public:
  /// False: that would be one too many.
  [[nodiscard]] bool open(char bracket) {
    if (size_ == capacity) return false;
    std::uint64_t const bit = std::uint64_t{1} << (size_ % 64);
    std::uint64_t& word = is_object_[size_ / 64];
    word = bracket == '{' ? word | bit : word & ~bit;
    ++size_;
    return true;
  }
  void close() { --size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool in_object() const {
    std::size_t const top = size_ - 1;
    return ((is_object_[top / 64] >> (top % 64)) & 1) != 0;
  }
  [[nodiscard]] char closing() const { return in_object() ? '}' : ']'; }

 private:
  static constexpr std::size_t capacity = ObjectScanner::max_depth - 1;

  std::array<std::uint64_t, ObjectScanner::max_depth / 64> is_object_ = {};
  std::size_t size_ = 0;
};

// The functions below take a position and return the one after what they skip, or null at a fault. Positions
// travel in registers that way; kept in the object they would cost a third of the scan.
using Position = char const*;

char peek(Position at, Position end) { return at != end ? *at : '\0'; }

Position skip_space(Position at, Position end) {
  if (at != end && *at > ' ') return at;  // most messages have no space between their tokens
  while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

Position skip_digits(Position at, Position end) {
  if (!is_digit(peek(at, end))) return nullptr;
  while (is_digit(peek(at, end))) ++at;
  return at;
}

Position skip_number(Position at, Position end) {
  if (peek(at, end) == '-') ++at;
  at = peek(at, end) == '0' ? at + 1 : skip_digits(at, end);
  if (at != nullptr && peek(at, end) == '.') at = skip_digits(at + 1, end);
  if (at == nullptr || (peek(at, end) | 0x20) != 'e') return at;
  ++at;
  if (peek(at, end) == '+' || peek(at, end) == '-') ++at;
  return skip_digits(at, end);
}

Position skip_literal(Position at, Position end, std::string_view word) {
  return std::string_view(at, end).starts_with(word) ? at + word.size() : nullptr;
}

// What follows a backslash.
Position skip_escape(Position at, Position end) {
  if (peek(at, end) != 'u') {
    constexpr std::string_view letters = "\"\\/bfnrt";
    return at != end && letters.find(*at) != std::string_view::npos ? at + 1 : nullptr;
  }
  ++at;
  for (int i = 0; i < 4; ++i, ++at) {
    if (!is_hex_digit(peek(at, end))) return nullptr;
  }
  return at;
}

Position skip_string(Position at, Position end) {
  if (peek(at, end) != '"') return nullptr;
  ++at;
  for (;;) {
    at = end_of_plain_run(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at + 1;
    if (*at != '\\') return nullptr;
    at = skip_escape(at + 1, end);
    if (at == nullptr) return nullptr;
  }
}

// The colon of a member with the space around it.
Position skip_colon(Position at, Position end) {
  at = skip_space(at, end);
  return peek(at, end) == ':' ? skip_space(at + 1, end) : nullptr;
}

Position skip_key(Position at, Position end) {
  at = skip_string(at, end);
  return at != nullptr ? skip_colon(at, end) : nullptr;
}

JsonKind kind_by_first(char first) {
  switch (first) {
    case '"':
      return JsonKind::string;
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case 'n':
      return JsonKind::null;
    default:
      return JsonKind::number;
  }
}

Position skip_scalar(Position at, Position end) {
  switch (peek(at, end)) {
    case '"':
      return skip_string(at, end);
    case 't':
      return skip_literal(at, end, "true");
    case 'f':
      return skip_literal(at, end, "false");
    case 'n':
      return skip_literal(at, end, "null");
    default:
      return skip_number(at, end);
  }
}

// The brackets that close here; null when what follows them is no comma although containers are open.
Position skip_closing(Position at, Position end, Nesting& nesting) {
  at = skip_space(at, end);
  while (peek(at, end) == nesting.closing()) {
    ++at;
    nesting.close();
    if (nesting.empty()) return at;
    at = skip_space(at, end);
  }
  return peek(at, end) == ',' ? skip_space(at + 1, end) : nullptr;
}

Position skip_container(Position at, Position end, JsonError& error) {
  Nesting nesting;
  while (at != nullptr) {
    bool const opens = is_open_bracket(peek(at, end));
    if (!opens) {
      at = skip_scalar(at, end);
    } else if (nesting.open(*at)) {
      at = skip_space(at + 1, end);
    } else {
      error = JsonError::too_deep;
      return nullptr;
    }
    if (at != nullptr && (!opens || peek(at, end) == nesting.closing())) {
      at = skip_closing(at, end, nesting);
      if (nesting.empty()) return at;
    }
    if (at != nullptr && nesting.in_object()) at = skip_key(at, end);
  }
  return nullptr;
}

}  // namespace

std::optional<std::int64_t> JsonValue::integer() const {
  if (kind != JsonKind::number) return std::nullopt;
  std::int64_t number = 0;
  char const* const end = raw.data() + raw.size();
  auto const [stop, error] = std::from_chars(raw.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string_view JsonValue::string_body() const {
  return kind == JsonKind::string ? raw.substr(1, raw.size() - 2) : std::string_view();
}

std::optional<JsonMember> ObjectScanner::next() {
  if (state_ == State::ended) return std::nullopt;
  Position const end = text_.data() + text_.size();
  Position at = skip_space(at_, end);
  char const first = peek(at, end);
  if (state_ == State::before) {
    if (first != '{') return fail(at, JsonError::not_an_object);
    state_ = State::inside;
    at = skip_space(at + 1, end);
    if (peek(at, end) == '}') return finish(at + 1);
    return read_member(at);
  }
  if (first == '}') return finish(at + 1);
  if (first != ',') return fail(at, JsonError::bad_syntax);
  return read_member(skip_space(at + 1, end));
}

std::optional<JsonMember> ObjectScanner::read_member(char const* key) {
  Position const end = text_.data() + text_.size();
  Position const key_end = skip_string(key, end);
  if (key_end == nullptr) return fail(key, JsonError::bad_syntax);
  Position const value = skip_colon(key_end, end);
  if (value == nullptr) return fail(key_end, JsonError::bad_syntax);
  char const first = peek(value, end);
  JsonError error = JsonError::bad_syntax;
  Position const value_end =
      is_open_bracket(first) ? skip_container(value, end, error) : skip_scalar(value, end);
  if (value_end == nullptr) return fail(value, error);
  at_ = value_end;
  return JsonMember{{key + 1, key_end - 1}, {{value, value_end}, kind_by_first(first)}};
}

std::optional<JsonMember> ObjectScanner::finish(char const* after) {
  Position const end = text_.data() + text_.size();
  at_ = skip_space(after, end);
  if (at_ != end) return fail(at_, JsonError::bad_syntax);
  state_ = State::ended;
  return std::nullopt;
}

std::optional<JsonMember> ObjectScanner::fail(char const* at, JsonError error) {
  at_ = at;
  error_ = error;
  state_ = State::ended;
  return std::nullopt;
}

}  // namespace reachback::proto
