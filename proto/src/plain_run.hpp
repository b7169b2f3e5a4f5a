#pragma once

#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

#ifdef __SSE2__
// Every x86-64 has these instructions; with them a key takes a third of the time, a long text half.

/// All ones in every byte that ends a plain run.
[[nodiscard]] inline __m128i run_ends(__m128i bytes) {
  __m128i const quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  __m128i const backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  __m128i const controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  return _mm_or_si128(_mm_or_si128(quotes, backslashes), controls);
}
[[nodiscard]] inline __m128i load_16(char const* from) {
  return _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
}
#endif

/// `end_of_plain_run` from a place on where a long run is likely, or the end of the text near.
[[nodiscard]] char const* end_of_long_plain_run(char const* at, char const* end);

/// The first position where the plain run of a JSON string ends: a quote, a backslash or a control character;
/// `end` where there is none. Inline for keys and short texts, which end within 16 bytes.
[[nodiscard]] inline char const* end_of_plain_run(char const* at, char const* end) {
#ifdef __SSE2__
  if (end - at >= 16) {
    auto const marks = static_cast<unsigned>(_mm_movemask_epi8(run_ends(load_16(at))));
    if (marks != 0) return at + std::countr_zero(marks);
    return end_of_long_plain_run(at + 16, end);
  }
#endif
  constexpr int short_run = 2;
  for (int i = 0; i < short_run && end - at >= word_size; ++i, at += word_size) {
    if (Word const marks = marks_of_run_end(load_word(at))) return at + std::countr_zero(marks) / 8;
  }
  return end_of_long_plain_run(at, end);
}

}  // namespace reachback::proto
