#include "reachback/proto/utf8.hpp"

#include <cstdint>

#include "word.hpp"

namespace reachback::proto {

namespace {

constexpr std::ptrdiff_t block_size = 128;

bool is_ascii(Word word) { return (word & high_bits) == 0; }

// Without an early exit, so that the compiler makes vector instructions of it.
bool is_ascii_block(char const* block) {
  unsigned char all = 0;
  for (std::ptrdiff_t i = 0; i < block_size; ++i) all |= static_cast<unsigned char>(block[i]);
  return all < 0x80;
}

char const* skip_ascii(char const* at, char const* end) {
  while (end - at >= block_size && is_ascii_block(at)) at += block_size;
  while (end - at >= word_size && is_ascii(load_word(at))) at += word_size;
  while (at != end && static_cast<unsigned char>(*at) < 0x80) ++at;
  return at;
}

bool in_range(unsigned char c, unsigned char low, unsigned char high) { return c >= low && c <= high; }

/// What RFC 3629, section 4, allows after a lead byte: `length` 0 for a byte that leads nothing.
struct Sequence {
  std::size_t length = 0;
  unsigned char second_low = 0x80;
  unsigned char second_high = 0xBF;
};

Sequence sequence_of(unsigned char lead) {
  if (in_range(lead, 0xC2, 0xDF)) return {2};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};  // below: overlong
  if (lead == 0xED) return {3, 0x80, 0x9F};  // above: surrogates
  if (in_range(lead, 0xE1, 0xEF)) return {3};
  if (lead == 0xF0) return {4, 0x90, 0xBF};  // below: overlong
  if (in_range(lead, 0xF1, 0xF3)) return {4};
  if (lead == 0xF4) return {4, 0x80, 0x8F};  // above: over U+10FFFF
  return {};
}

/// The length of the multi-byte character at the start of `text`, 0 when there is none.
std::size_t character_length(std::string_view text) {
  auto const byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  Sequence const sequence = sequence_of(byte(0));
  if (sequence.length == 0 || text.size() < sequence.length) return 0;
  if (!in_range(byte(1), sequence.second_low, sequence.second_high)) return 0;
  for (std::size_t i = 2; i < sequence.length; ++i) {
    if (!in_range(byte(i), 0x80, 0xBF)) return 0;
  }
  return sequence.length;
}

/// Whether what may follow can make a character of `text`, which is none.
bool may_begin_character(std::string_view text) {
  if (text.empty()) return true;
  auto const byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  Sequence const sequence = sequence_of(byte(0));
  if (text.size() >= sequence.length) return false;
  if (text.size() > 1 && !in_range(byte(1), sequence.second_low, sequence.second_high)) return false;
  return text.size() < 3 || in_range(byte(2), 0x80, 0xBF);
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  for (;;) {
    at = static_cast<std::size_t>(skip_ascii(text.data() + at, text.data() + text.size()) - text.data());
    // Texts in other scripts come in runs: the way back to the words is taken only when ASCII returns.
    while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) {
      std::size_t const length = character_length(text.substr(at));
      if (length == 0) return at;
      at += length;
    }
    if (at == text.size()) return at;
  }
}

std::string_view cut_between_characters(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

bool Utf8Checker::grow(std::string_view text, std::size_t ascii) {
  // A character that was cut off before them makes the difference.
  if (valid_ + ascii == text.size()) {
    valid_ = text.size();
    return true;
  }
  valid_ += valid_utf8_prefix(text.substr(valid_));
  return may_begin_character(text.substr(valid_));
}

bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

}  // namespace reachback::proto
