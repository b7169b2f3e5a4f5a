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

}  // namespace reachback::proto
