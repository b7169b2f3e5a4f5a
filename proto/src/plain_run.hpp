#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "word.hpp"

namespace reachback::proto {

// A plain run of a JSON string ends at a quote, a backslash or a control character.

inline constexpr std::size_t block_size = 64;

#ifdef __SSE2__
// Every x86-64 has these instructions.

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
/// A bit for each byte of a block: whether it ends a plain run.
[[nodiscard]] inline std::uint64_t run_ends_of_block(char const* block) {
  auto const of_16 = [block](int from) {
    return static_cast<std::uint64_t>(_mm_movemask_epi8(run_ends(load_16(block + from))));
  };
  return of_16(0) | of_16(16) << 16 | of_16(32) << 32 | of_16(48) << 48;
}
#else
/// The high bit of every byte of a word that ends a plain run. Nothing is carried from one byte to the next.
[[nodiscard]] inline Word run_ends_of_word(Word word) {
  constexpr Word low_bits = ~high_bits;
  // The high bit of every byte of which any of the low bits is set.
  auto const is_set = [](Word bits) { return (bits & low_bits) + low_bits; };
  Word const no_quote = is_set(word ^ (every_byte * '"')), no_backslash = is_set(word ^ (every_byte * '\\'));
  Word const no_control = (word & low_bits) + every_byte * 0x60;
  return ~((no_quote & no_backslash & no_control) | word) & high_bits;
}
/// A bit for each byte of a block: whether it ends a plain run.
[[nodiscard]] inline std::uint64_t run_ends_of_block(char const* block) {
  constexpr Word gathers_lowest_bits = 0x0102040810204080;  // of each byte, in the highest byte
  std::uint64_t ends = 0;
  for (std::size_t from = 0; from < block_size; from += word_size) {
    Word const of_word = run_ends_of_word(load_word(block + from));
    ends |= ((of_word >> 7) * gathers_lowest_bits >> 56) << from;
  }
  return ends;
}
#endif

/// Where plain runs end in the block of a text that begins at `from`, a bit for each byte; the end of the
/// text counts as one. No bit: not known. In a short message several tokens stand in one block.
struct RunEnds {
  std::size_t from = 0;
  std::uint64_t bits = 0;
};

/// Of the first block from `at` on in which a plain run ends.
[[nodiscard]] RunEnds find_run_ends(std::string_view text, std::size_t at);

/// The place of the lowest bit of those that are set: there is one, which std::countr_zero would ask for.
[[nodiscard]] inline std::size_t lowest_bit(std::uint64_t bits) {
  return static_cast<std::size_t>(__builtin_ctzll(bits));
}

/// Those at or behind `at`, one at least. `known` is of the same text.
[[nodiscard]] inline RunEnds run_ends_behind(std::string_view text, std::size_t at, RunEnds known) {
  std::size_t const ahead = at - known.from;
  known.bits &= ahead < block_size ? ~std::uint64_t{0} << ahead : 0;
  return known.bits != 0 ? known : find_run_ends(text, at);
}

/// The first end of a plain run at or behind `at`, or the end of the text. `known` is of the same text.
[[nodiscard]] inline std::size_t end_of_plain_run(std::string_view text, std::size_t at, RunEnds& known) {
  known = run_ends_behind(text, at, known);
  return known.from + lowest_bit(known.bits);
}

}  // namespace reachback::proto
