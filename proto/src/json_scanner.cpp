#include "reachback/proto/json_scanner.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "plain_run.hpp"

namespace reachback::proto {

namespace {

using Position = char const*;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_open_bracket(char c) { return c == '{' || c == '['; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr auto kinds_by_first = [] {
  std::array<JsonKind, 256> kinds{};
  kinds.fill(JsonKind::number);
  kinds['"'] = JsonKind::string;
  kinds['{'] = JsonKind::object;
  kinds['['] = JsonKind::array;
  kinds['t'] = kinds['f'] = JsonKind::boolean;
  kinds['n'] = JsonKind::null;
  return kinds;
}();

JsonKind kind_by_first(char first) { return kinds_by_first[static_cast<unsigned char>(first)]; }

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
  [[nodiscard]] bool take_escape();
  [[nodiscard]] bool take_literal(std::string_view word);
  [[nodiscard]] bool begin_scalar(Phase& phase);
  [[nodiscard]] bool take_number(Phase& phase);
};

/// The rest of a string with its closing quote.
bool ObjectScanner::take_text(Reading& in) {
  RunEnds known{marked_from_, run_ends_};
  for (;;) {
    in.at = text_.data() + end_of_plain_run(text_, offset(in), known);
    marked_from_ = known.from;
    run_ends_ = known.bits;
    if (in.at == in.end) return false;
    if (*in.at == '"') return ++in.at, true;
    if (*in.at != '\\' || in.may_cut(longest_escape) || !in.take_escape()) return false;
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
    auto left = raw;
    for (; left.size() >= word_size; left.remove_prefix(word_size)) {
      Word const word = load_word(left.data());
      if (marks_of_no_digit(word) != 0) return std::nullopt;
      number = number * 100'000'000 + static_cast<std::int64_t>(number_of_digits(word));
    }
    for (char const c : left) {
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

namespace {

/// Reads members of the form that nearly all have: no space between tokens but one before a key or a value,
/// no escapes, and no containers in containers.
///
/// It goes from quote to quote by the bits of the run ends and only compares what is read in between with
/// where they are: so no token waits for the one before it to be read. What it knows stays in registers as
/// long as all of it is one function.
struct PlainMembers {
  std::string_view text;
  std::size_t at;
  RunEnds run_ends;  ///< those before `at` are cleared

  /// False where the next one has another form: `at` stays as it is, and what is known of run ends is lost.
  [[nodiscard]] bool take(char before, JsonMember& member);

 private:
  static constexpr std::size_t none = SIZE_MAX;

  /// The next end of a run, or the end of the text, which is cleared.
  [[nodiscard, gnu::always_inline]] std::size_t take_run_end();
  // Where a value ends that begins at `from`, and has an end; `none` where it has another form.
  [[nodiscard]] std::size_t end_of_value(std::size_t from);
  [[nodiscard]] std::size_t end_of_array(std::size_t from);
  [[nodiscard, gnu::always_inline]] std::size_t end_of_scalar(std::size_t from);
  [[nodiscard]] std::size_t end_of_digits(std::size_t from) const;
};

inline std::size_t PlainMembers::take_run_end() {
  if (run_ends.bits == 0) [[unlikely]]
    run_ends = find_run_ends(text, std::min(run_ends.from + block_size, text.size()));
  std::size_t const end = run_ends.from + lowest_bit(run_ends.bits);
  run_ends.bits &= run_ends.bits - 1;
  return end;
}

inline std::size_t PlainMembers::end_of_digits(std::size_t from) const {
  for (; text.size() - from >= word_size; from += word_size) {
    if (auto const marks = marks_of_no_digit(load_word(text.data() + from))) {
      return from + lowest_bit(marks) / 8;
    }
  }
  while (from != text.size() && is_digit(text[from])) ++from;
  return from;
}

inline std::size_t PlainMembers::end_of_scalar(std::size_t from) {
  char const first = text[from];
  if (first == '"') {
    if (take_run_end() != from) return none;
    std::size_t const end = take_run_end();
    return end < text.size() && text[end] == '"' ? end + 1 : none;
  }
  if (is_digit(first)) {
    std::size_t const end = end_of_digits(from);
    if (end == text.size() || (first == '0' && end - from != 1)) return none;
    bool const is_integer = text[end] == ',' || text[end] == '}' || text[end] == ']';
    return is_integer ? end : none;
  }
  std::string_view const literal = first == 't' ? "true" : first == 'f' ? "false" : "null";
  return text.substr(from).starts_with(literal) ? from + literal.size() : none;
}

/// `from` is behind the bracket.
inline std::size_t PlainMembers::end_of_array(std::size_t from) {
  for (;;) {
    std::size_t const end = end_of_scalar(from);
    if (end == none || end == text.size()) return none;
    if (text[end] == ']') return end + 1;
    // A comma, a space or the value, and what follows.
    if (text[end] != ',' || text.size() - end < 3) return none;
    from = end + 1;
    if (text[from] == ' ') ++from;
  }
}

inline std::size_t PlainMembers::end_of_value(std::size_t from) {
  char const first = text[from];
  if (!is_open_bracket(first)) return end_of_scalar(from);
  if (text.size() - from < 3) return none;
  if (text[from + 1] == (first == '[' ? ']' : '}')) return from + 2;
  return first == '[' ? end_of_array(from + 1) : none;
}

inline bool PlainMembers::take(char before, JsonMember& member) {
  // What stands before it, the quotes of the key, the colon, a value and what comes behind it.
  constexpr std::size_t shortest = 6;
  if (text.size() - at < shortest || text[at] != before) return false;
  std::size_t const quote = take_run_end(), key = quote + 1;
  if (quote != at + 1 && (quote != at + 2 || text[at + 1] != ' ')) return false;
  std::size_t const key_end = take_run_end();
  // The quote, the colon, a space or the value, and what follows.
  constexpr std::size_t least_left = 4;
  if (key_end + least_left > text.size()) return false;
  if (text[quote] != '"' || text[key_end] != '"' || text[key_end + 1] != ':') return false;
  std::size_t value = key_end + 2;
  if (text[value] == ' ') ++value;
  std::size_t const value_end = end_of_value(value);
  if (value_end == none) return false;
  member.key = {text.data() + key, key_end - key};
  member.key_has_escape = false;
  member.value = {{text.data() + value, value_end - value}, kind_by_first(text[value])};
  at = value_end;
  return true;
}

}  // namespace

std::optional<JsonMember> ObjectScanner::next() {
  JsonMember member;
  return next({&member, 1}) == 1 ? std::optional(member) : std::nullopt;
}

std::size_t ObjectScanner::next(std::span<JsonMember> room) {
  std::size_t count = 0;
  while (true) {
    if (whole_ && depth_ == 0) count += next_plain(room.subspan(count));
    if (count == room.size() || phase_ == Phase::ended) return count;
    auto const member = next_of_any_form();
    if (!member) return count;
    room[count++] = *member;
  }
}

/// What `next_of_any_form` could take too, in three times the time.
std::size_t ObjectScanner::next_plain(std::span<JsonMember> room) {
  if (phase_ != Phase::before && phase_ != Phase::separator) return 0;
  PlainMembers members{text_, at_, run_ends_behind(text_, at_, {marked_from_, run_ends_})};
  std::size_t count = 0;
  char before = phase_ == Phase::before ? '{' : ',';
  for (; count != room.size() && members.take(before, room[count]); ++count) before = ',';
  if (count != 0) phase_ = Phase::separator;
  at_ = members.at;
  marked_from_ = members.run_ends.from;
  run_ends_ = count == room.size() ? members.run_ends.bits : 0;
  // The object ends here, and so does the text.
  if (phase_ == Phase::separator && at_ + 1 == text_.size() && text_[at_] == '}') {
    ++at_;
    phase_ = Phase::ended;
  }
  return count;
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
        if (!take_text(in)) return stop(in, Phase::key_text, longest_escape);
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
        if (!take_text(in)) return stop(in, Phase::text, longest_escape);
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
  auto const key = text_.substr(key_at_, key_end_ - key_at_);
  return JsonMember{.key = key,
                    .key_has_escape = key.find('\\') != std::string_view::npos,
                    .value = {value, kind_by_first(value.front())}};
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
