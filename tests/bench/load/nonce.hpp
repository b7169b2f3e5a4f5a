#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace reachback::bench {

/// Texts that never repeat within a run, in the letters of base64.
class NonceSource {
 public:
  static constexpr std::size_t letters = 8;

  /// Writes the next one to the first `letters` of the place.
  void write_next(std::span<char> place) {
    // An odd factor permutes the numbers of 48 bits, so that neighbours don't look alike.
    std::uint64_t rest = ++count_ * 0x9e3779b97f4a7c15U & 0xffff'ffff'ffffU;
    for (std::size_t i = 0; i < letters; ++i, rest >>= 6U) place[i] = alphabet[rest & 63U];
  }

 private:
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint64_t count_ = 0;
};

}  // namespace reachback::bench
