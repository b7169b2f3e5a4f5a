#include "reachback/proto/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "plain_run.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::proto {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t unicode_escape_size = 6;            // \uXXXX

enum class LoneSurrogate : std::uint8_t { replace, keep };

bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

void append_utf8(std::string& out, char32_t c) {
  auto const byte = [&out](char32_t bits) { out += static_cast<char>(bits); };
  auto const tail = [&](int shift) { byte(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    byte(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// The code unit of the `\uXXXX` at the start of `text`.
std::optional<char32_t> code_unit(std::string_view text) {
  if (text.size() < unicode_escape_size || !text.starts_with("\\u")) return std::nullopt;
  std::uint32_t unit = 0;
  char const* const end = text.data() + unicode_escape_size;
  auto const [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

/// Appends the character of the `\uXXXX`, or of the pair of them, at the start of `text`; the bytes that it
/// took.
std::size_t append_unicode_escape(std::string& out, std::string_view text, LoneSurrogate lone) {
  char32_t const first = code_unit(text).value_or(0xFFFD);
  if (is_high_surrogate(first)) {
    auto const second = code_unit(text.substr(unicode_escape_size));
    if (second && is_low_surrogate(*second)) {
      append_utf8(out, 0x10000 + ((first - 0xD800) << 10) + (*second - 0xDC00));
      return 2 * unicode_escape_size;
    }
  }
  bool const is_lone = is_high_surrogate(first) || is_low_surrogate(first);
  append_utf8(out, is_lone && lone == LoneSurrogate::replace ? char32_t{0xFFFD} : first);
  return unicode_escape_size;
}

char simple_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

std::string unescape_as(std::string_view body, LoneSurrogate lone) {
  std::string out;
  out.reserve(body.size());
  while (!body.empty()) {
    std::size_t const plain = std::min(body.find('\\'), body.size());
    out.append(body.substr(0, plain));
    body.remove_prefix(plain);
    if (body.size() < 2) break;
    if (body[1] == 'u') {
      body.remove_prefix(std::min(append_unicode_escape(out, body, lone), body.size()));
    } else {
      out += simple_escape(body[1]);
      body.remove_prefix(2);
    }
  }
  return out;
}

void append_escaped_character(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
  }
}

void append_escaped(std::string& out, std::string_view text) {
  RunEnds known;
  for (std::size_t at = 0; at != text.size(); ++at) {
    std::size_t const run_end = end_of_plain_run(text, at, known);
    out.append(text, at, run_end - at);
    if (run_end == text.size()) return;
    append_escaped_character(out, text[run_end]);
    at = run_end;
  }
}

}  // namespace

bool key_equals(std::string_view escaped_key, std::string_view plain) {
  if (escaped_key == plain) return true;
  return escaped_key.size() > plain.size() && escaped_key.size() <= unicode_escape_size * plain.size() &&
         escaped_key.find('\\') != std::string_view::npos && key_identity(escaped_key) == plain;
}

std::string key_identity(std::string_view escaped_key) {
  return unescape_as(escaped_key, LoneSurrogate::keep);
}

std::string unescape(std::string_view body) { return unescape_as(body, LoneSurrogate::replace); }

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  for (;;) {
    std::size_t const valid = valid_utf8_prefix(text);
    append_escaped(out, text.substr(0, valid));
    if (valid == text.size()) return out;
    out += replacement;
    text.remove_prefix(valid + 1);
  }
}

}  // namespace reachback::proto
