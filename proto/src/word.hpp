#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace reachback::proto {

/// Eight bytes of text at a time, where the platform's instructions are not named.
using Word = std::uint64_t;

inline constexpr std::ptrdiff_t word_size = sizeof(Word);
inline constexpr Word every_byte = 0x0101010101010101;
inline constexpr Word high_bits = every_byte * 0x80;

/// The first byte of memory becomes the lowest of the word, so that counting trailing zeros finds the first
/// match.
[[nodiscard]] inline Word load_word(char const* from) {
  Word word = 0;
  std::memcpy(&word, from, word_size);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// The high bit of every byte that is no digit. A carry can mark bytes above such a byte wrongly, never below
/// it, so the lowest mark is always right, and so is no mark.
[[nodiscard]] inline Word marks_of_no_digit(Word word) {
  Word const digits = word ^ (every_byte * '0');
  return ((digits + every_byte * 0x76) | digits) & high_bits;
}

/// The number of eight digits.
[[nodiscard]] inline Word number_of_digits(Word word) {
  word = (word & (every_byte * 0x0F)) * (10 * 0x100 + 1) >> 8;
  word = (word & 0x00FF00FF00FF00FF) * (100 * 0x10000 + 1) >> 16;
  return (word & 0x0000FFFF0000FFFF) * (10000 * 0x100000000 + 1) >> 32;
}

}  // namespace reachback::proto
