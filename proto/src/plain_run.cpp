#include "plain_run.hpp"

#include <cstddef>

namespace reachback::proto {

namespace {

constexpr std::ptrdiff_t block_size = 64;

bool ends_run(unsigned char c) { return c == '"' || c == '\\' || c < 0x20; }

#ifdef __SSE2__
bool is_plain_block(char const* block) {
  __m128i const first = _mm_or_si128(run_ends(load_16(block)), run_ends(load_16(block + 16)));
  __m128i const second = _mm_or_si128(run_ends(load_16(block + 32)), run_ends(load_16(block + 48)));
  return _mm_movemask_epi8(_mm_or_si128(first, second)) == 0;
}
#else
// Without an early exit, so that the compiler turns the loop into vector instructions.
bool is_plain_block(char const* block) {
  unsigned char found = 0;
  for (std::ptrdiff_t i = 0; i < block_size; ++i) {
    auto const c = static_cast<unsigned char>(block[i]);
    found |= static_cast<unsigned char>((c == '"') | (c == '\\') | (c < 0x20));
  }
  return found == 0;
}
#endif

}  // namespace

char const* end_of_long_plain_run(char const* at, char const* end) {
  while (end - at >= block_size && is_plain_block(at)) at += block_size;
  for (; end - at >= word_size; at += word_size) {
    if (Word const marks = marks_of_run_end(load_word(at))) return at + std::countr_zero(marks) / 8;
  }
  while (at != end && !ends_run(static_cast<unsigned char>(*at))) ++at;
  return at;
}

}  // namespace reachback::proto
