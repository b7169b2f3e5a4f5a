#pragma once

#include <bit>

#include "word.hpp"

namespace reachback::proto {

// The high bit of every byte that ends a plain run. A borrow can mark bytes above such a byte wrongly, never
// below it, so the lowest mark is always right.
[[nodiscard]] inline Word marks_of_run_end(Word word) {
  Word const quote = word ^ (every_byte * '"');
  Word const backslash = word ^ (every_byte * '\\');
  Word const marks = ((quote - every_byte) & ~quote) | ((backslash - every_byte) & ~backslash) |
                     ((word - every_byte * 0x20) & ~word);
  return marks & high_bits;
}

/// `end_of_plain_run` from a place on where a long run is likely, or the end of the text near.
[[nodiscard]] char const* end_of_long_plain_run(char const* at, char const* end);

/// The first position where the plain run of a JSON string ends: a quote, a backslash or a control character;
/// `end` where there is none. Inline for keys and short texts, which end within two words.
[[nodiscard]] inline char const* end_of_plain_run(char const* at, char const* end) {
  constexpr int short_run = 2;
  for (int i = 0; i < short_run && end - at >= word_size; ++i, at += word_size) {
    if (Word const marks = marks_of_run_end(load_word(at))) return at + std::countr_zero(marks) / 8;
  }
  return end_of_long_plain_run(at, end);
}

}  // namespace reachback::proto
