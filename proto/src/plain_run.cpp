#include "plain_run.hpp"

#include <array>
#include <cstring>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace reachback::proto {

namespace {

constexpr std::ptrdiff_t whole_block = block_size;

#ifdef __SSE2__
/// Of the processor that this runs on.
bool const has_avx2 = __builtin_cpu_supports("avx2") != 0;

// Half of the instructions; on a big message the scan costs more than unmasking and the check of UTF-8
// together.
[[gnu::target("avx2")]] char const* skip_plain_blocks_by_avx2(char const* at, char const* end) {
  __m256i const quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
  __m256i const last_control = _mm256_set1_epi8(0x1f);
  constexpr std::ptrdiff_t vector_size = sizeof(__m256i);
  static_assert(whole_block == 2 * vector_size);
  for (; end - at >= whole_block; at += whole_block) {
    __m256i const first = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(at));
    __m256i const second = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(at + vector_size));
    __m256i const quotes = _mm256_or_si256(_mm256_cmpeq_epi8(first, quote), _mm256_cmpeq_epi8(second, quote));
    __m256i const backslashes =
        _mm256_or_si256(_mm256_cmpeq_epi8(first, backslash), _mm256_cmpeq_epi8(second, backslash));
    // The smaller of two bytes is a control character when either of them is.
    __m256i const smaller = _mm256_min_epu8(first, second);
    __m256i const controls = _mm256_cmpeq_epi8(_mm256_min_epu8(smaller, last_control), smaller);
    if (_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quotes, backslashes), controls)) != 0) break;
  }
  return at;
}

bool is_plain_block(char const* block) {
  __m128i const first = _mm_or_si128(run_ends(load_16(block)), run_ends(load_16(block + 16)));
  __m128i const second = _mm_or_si128(run_ends(load_16(block + 32)), run_ends(load_16(block + 48)));
  return _mm_movemask_epi8(_mm_or_si128(first, second)) == 0;
}
#else
// Without an early exit, so that the compiler turns the loop into vector instructions.
bool is_plain_block(char const* block) {
  unsigned char found = 0;
  for (std::size_t i = 0; i < block_size; ++i) {
    auto const c = static_cast<unsigned char>(block[i]);
    found |= static_cast<unsigned char>((c == '"') | (c == '\\') | (c < 0x20));
  }
  return found == 0;
}
#endif

/// The first of the blocks from `at` on in which a plain run ends, or the rest of the text, less than a
/// block.
char const* skip_plain_blocks(char const* at, char const* end) {
  [[maybe_unused]] int blocks = 0;
  for (; end - at >= whole_block && is_plain_block(at); at += whole_block) {
#ifdef __SSE2__
    // Most texts end before, and would pay for the change.
    constexpr int long_from = 2;
    if (++blocks == long_from && has_avx2) return skip_plain_blocks_by_avx2(at, end);
#endif
  }
  return at;
}

std::uint64_t run_ends_of_rest(std::string_view text, std::size_t at) {
  std::size_t const left = text.size() - at;
  std::uint64_t const behind = ~std::uint64_t{0} << left;
  if (left == 0) return behind;
  if (text.size() >= block_size) {
    return run_ends_of_block(text.data() + text.size() - block_size) >> (block_size - left) | behind;
  }
  std::array<char, block_size> block{};
  std::memcpy(block.data(), text.data() + at, left);
  return run_ends_of_block(block.data()) | behind;
}

}  // namespace

RunEnds find_run_ends(std::string_view text, std::size_t at) {
  if (text.size() - at >= block_size) {
    // In a short message, nearly always this one.
    if (auto const bits = run_ends_of_block(text.data() + at)) return {at, bits};
    auto const* const next = skip_plain_blocks(text.data() + at + block_size, text.data() + text.size());
    at = static_cast<std::size_t>(next - text.data());
    if (text.size() - at >= block_size) return {at, run_ends_of_block(next)};
  }
  return {at, run_ends_of_rest(text, at)};
}

}  // namespace reachback::proto
