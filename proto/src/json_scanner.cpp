#include "reachback/proto/json_scanner.hpp"

#include <charconv>

#include "plain_run.hpp"

namespace reachback::proto {

namespace {

using Position = char const*;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_open_bracket(char c) { return c == '{' || c == '['; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

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

constexpr std::ptrdiff_t longest_escape = 6;
constexpr std::ptrdiff_t longest_literal = 5;
constexpr std::ptrdiff_t longest_exponent_start = 3;

}  // namespace

/// Where the scan stands in the text that is there. Positions travel in registers; kept in the scanner they
/// would cost a third of the scan.
struct ObjectScanner::Reading {
  Position at;
  Position end;
  bool whole;  ///< nothing comes behind `end`
  bool line_break = false;

  [[nodiscard]] char peek(std::ptrdiff_t ahead = 0) const { return ahead < end - at ? at[ahead] : '\0'; }
  /// Whether a token of up to `size` bytes could be cut off here: it is then read when more has come.
  [[nodiscard]] bool may_cut(std::ptrdiff_t size) const { return !whole && end - at < size; }

  void skip_space() {
    if (at != end && *at > ' ') return;  // most messages have no space between their tokens
    for (; at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'); ++at) {
      line_break = line_break || *at == '\n' || *at == '\r';
    }
  }
  /// False where the next token has not come yet; at the end of a whole text it is found to be nothing.
  [[nodiscard]] bool find_token() {
    skip_space();
    return !may_cut(1);
  }
  // What cannot be taken is at fault or, where it `may_cut`, not all there.
  [[nodiscard]] bool take_text();
  [[nodiscard]] bool take_escape();
  [[nodiscard]] bool take_literal(std::string_view word);
  [[nodiscard]] bool begin_scalar(Phase& phase);
  [[nodiscard]] bool take_number(Phase& phase);
};

/// The rest of a string with its closing quote.
bool ObjectScanner::Reading::take_text() {
  for (;;) {
    at = end_of_plain_run(at, end);
    if (at == end) return false;
    if (*at == '"') return ++at, true;
    if (*at != '\\' || may_cut(longest_escape) || !take_escape()) return false;
  }
}

bool ObjectScanner::Reading::take_escape() {
  Position next = at + 1;
  if (next == end) return false;
  if (*next != 'u') {
    constexpr std::string_view letters = "\"\\/bfnrt";
    if (letters.find(*next) == std::string_view::npos) return false;
    at = next + 1;
    return true;
  }
  ++next;
  for (int i = 0; i < 4; ++i, ++next) {
    if (next == end || !is_hex_digit(*next)) return false;
  }
  at = next;
  return true;
}

bool ObjectScanner::Reading::take_literal(std::string_view word) {
  if (!std::string_view(at, end).starts_with(word)) return false;
  at += word.size();
  return true;
}

/// A literal whole, or the beginning of a number.
bool ObjectScanner::Reading::begin_scalar(Phase& phase) {
  phase = Phase::after_value;
  switch (peek()) {
    case 't':
      return take_literal("true");
    case 'f':
      return take_literal("false");
    case 'n':
      return take_literal("null");
    default:
      break;
  }
  if (peek() == '-') ++at;
  phase = peek() == '0' ? Phase::zero : Phase::integer;
  if (!is_digit(peek())) return false;
  ++at;
  return true;
}

/// More of the number of which `phase` has begun; the next phase, when it can be told.
bool ObjectScanner::Reading::take_number(Phase& phase) {
  while (phase != Phase::zero && is_digit(peek())) ++at;
  if (may_cut(longest_exponent_start)) return false;
  if (peek() == '.' && (phase == Phase::integer || phase == Phase::zero)) {
    if (!is_digit(peek(1))) return false;
    at += 2;
    phase = Phase::fraction;
  } else if ((peek() | 0x20) == 'e' && phase != Phase::exponent) {
    std::ptrdiff_t const digit = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
    if (!is_digit(peek(digit))) return false;
    at += digit + 1;
    phase = Phase::exponent;
  } else {
    phase = Phase::after_value;
  }
  return true;
}

std::optional<std::int64_t> JsonValue::integer() const {
  constexpr std::size_t longest = 20;  // a sign and 19 digits; a longer one need not be read
  if (kind != JsonKind::number || raw.size() > longest) return std::nullopt;
  std::int64_t number = 0;
  constexpr std::size_t never_too_big = 18;
  if (raw.size() <= never_too_big && raw.front() != '-') {
    for (char const c : raw) {
      if (!is_digit(c)) return std::nullopt;
      number = number * 10 + (c - '0');
    }
    return number;
  }
  auto const [stop, error] = std::from_chars(raw.begin(), raw.end(), number);
  if (error != std::errc() || stop != raw.end()) return std::nullopt;
  return number;
}

std::string_view JsonValue::string_body() const {
  return kind == JsonKind::string ? raw.substr(1, raw.size() - 2) : std::string_view();
}

std::optional<JsonMember> ObjectScanner::next() {
  if (whole_ && depth_ == 0 && (phase_ == Phase::separator || phase_ == Phase::before)) {
    if (auto const member = next_plain(phase_ == Phase::before ? '{' : ',')) return member;
  }
  return next_of_any_form();
}

/// The next member when it has the form that nearly all have: no space between tokens, no escape in the key,
/// and a text or an integer as value. Nothing is taken of any other; it is read by `next_of_any_form`. In a
/// short message this is three times as fast.
std::optional<JsonMember> ObjectScanner::next_plain(char before) {
  Position const begin = text_.data() + at_, end = text_.data() + text_.size();
  // What stands before it, the quotes of the key, the colon, a value and what comes behind it.
  constexpr std::ptrdiff_t shortest = 6;
  if (end - begin < shortest || begin[0] != before || begin[1] != '"') return std::nullopt;
  Position const key = begin + 2, key_end = end_of_plain_run(key, end);
  if (end - key_end < 4 || key_end[0] != '"' || key_end[1] != ':') return std::nullopt;
  Position const value = key_end + 2;
  Position at = value;
  if (*value == '"') {
    at = end_of_plain_run(value + 1, end);
    if (at == end || *at != '"') return std::nullopt;
    ++at;
  } else {
    while (at != end && is_digit(*at)) ++at;
    bool const is_integer = at != value && (*value != '0' || at - value == 1);
    if (!is_integer || at == end || (*at != ',' && *at != '}')) return std::nullopt;
  }
  phase_ = Phase::separator;
  at_ = static_cast<std::size_t>(at - text_.data());
  return JsonMember{
      {key, static_cast<std::size_t>(key_end - key)},
      {{value, static_cast<std::size_t>(at - value)}, *value == '"' ? JsonKind::string : JsonKind::number}};
}

// One function, and phases that fall through to each other: what usually comes next stands next, and a short
// message is read without a detour.
std::optional<JsonMember> ObjectScanner::next_of_any_form() {
  Reading in{text_.data() + at_, text_.data() + text_.size(), whole_};
  for (Phase phase = phase_;;) {
    switch (phase) {
      case Phase::before:
        if (!in.find_token()) return pause(in, Phase::before);
        if (in.peek() != '{') return fail(in, JsonError::not_an_object);
        ++in.at;
        [[fallthrough]];

      case Phase::first_key:
        if (!in.find_token()) return pause(in, Phase::first_key);
        if (in.peek() == '}') break;
        [[fallthrough]];

      case Phase::key:
        if (!in.find_token()) return pause(in, Phase::key);
        if (in.peek() != '"') return fail(in);
        ++in.at;
        if (depth_ == 0) key_at_ = offset(in);
        [[fallthrough]];

      case Phase::key_text:
        if (!in.take_text()) return stop(in, Phase::key_text, longest_escape);
        if (depth_ == 0) key_end_ = offset(in) - 1;
        [[fallthrough]];

      case Phase::colon:
        if (!in.find_token()) return pause(in, Phase::colon);
        if (in.peek() != ':') return fail(in);
        ++in.at;
        [[fallthrough]];

      case Phase::value:
        in.skip_space();
        if (depth_ == 0) value_at_ = offset(in);
        if (in.peek() == '"') {
          ++in.at;
        } else if (is_open_bracket(in.peek())) {
          if (!open(in)) return fail(in, JsonError::too_deep);
          phase = in_object() ? Phase::first_key : Phase::first_value;
          continue;
        } else {
          if (in.may_cut(longest_literal)) return pause(in, Phase::value);
          if (!in.begin_scalar(phase)) return fail(in);
          continue;
        }
        [[fallthrough]];

      case Phase::text:
        if (!in.take_text()) return stop(in, Phase::text, longest_escape);
        [[fallthrough]];

      case Phase::after_value:
        if (depth_ == 0) return hand_out(in);
        [[fallthrough]];

      case Phase::separator:
        if (!in.find_token()) return pause(in, Phase::separator);
        if (in.peek() == ',') {
          ++in.at;
          phase = in_object() ? Phase::key : Phase::value;
          continue;
        }
        if (in.peek() != (in_object() ? '}' : ']')) return fail(in);
        break;

      case Phase::first_value:
        if (!in.find_token()) return pause(in, Phase::first_value);
        if (in.peek() == ']') break;
        phase = Phase::value;
        continue;

      case Phase::zero:
      case Phase::integer:
      case Phase::fraction:
      case Phase::exponent:
        if (!in.take_number(phase)) return stop(in, phase, longest_exponent_start);
        continue;

      case Phase::behind:
        if (in.find_token() && in.at != in.end) return fail(in);
        return pause(in, in.whole ? Phase::ended : Phase::behind);

      case Phase::ended:
        return std::nullopt;
    }
    // A container closes here.
    ++in.at;
    phase = depth_ == 0 ? Phase::behind : Phase::after_value;
    if (depth_ != 0) --depth_;
  }
}

bool ObjectScanner::open(Reading& in) {
  if (depth_ == max_depth - 1) return false;
  std::uint64_t const bit = std::uint64_t{1} << (depth_ % 64);
  std::uint64_t& word = is_object_[depth_ / 64];
  word = in.peek() == '{' ? word | bit : word & ~bit;
  ++depth_;
  ++in.at;
  return true;
}

bool ObjectScanner::in_object() const {
  return depth_ == 0 || ((is_object_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64)) & 1) != 0;
}

std::size_t ObjectScanner::offset(Reading const& in) const {
  return static_cast<std::size_t>(in.at - text_.data());
}

std::optional<JsonMember> ObjectScanner::hand_out(Reading const& in) {
  pause(in, Phase::separator);
  auto const value = text_.substr(value_at_, at_ - value_at_);
  return JsonMember{text_.substr(key_at_, key_end_ - key_at_), {value, kind_by_first(value.front())}};
}

std::optional<JsonMember> ObjectScanner::pause(Reading const& in, Phase phase) {
  at_ = offset(in);
  saw_line_break_ = saw_line_break_ || in.line_break;
  phase_ = phase;
  return std::nullopt;
}

std::optional<JsonMember> ObjectScanner::fail(Reading const& in, JsonError error) {
  error_ = error;
  return pause(in, Phase::ended);
}

std::optional<JsonMember> ObjectScanner::stop(Reading const& in, Phase phase, std::ptrdiff_t token) {
  return in.may_cut(token) ? pause(in, phase) : fail(in);
}

}  // namespace reachback::proto
