#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reachback::fuzz {

/// How bytes arrive.
enum class Cut : std::uint8_t { whole, single_bytes, mixed };

inline constexpr std::array<Cut, 3> every_cut = {Cut::whole, Cut::single_bytes, Cut::mixed};

/// Lengths of pieces. The mixed ones depend on the input alone, so that seeds are plain protocol text and yet
/// each input is cut in its own way, and in the same one each time.
class Pieces {
 public:
  Pieces(Cut cut, std::string_view input) : cut_(cut) {
    for (char const c : input) mix(static_cast<unsigned char>(c));
  }

  /// From 1 to `left`; 0 when nothing is left.
  [[nodiscard]] std::size_t next(std::size_t left) {
    if (cut_ == Cut::whole) return left;
    if (cut_ == Cut::single_bytes) return std::min<std::size_t>(1, left);
    mix(left);
    std::uint64_t const most = most_of_[state_ >> 61];
    return std::min<std::size_t>(1 + (state_ >> 20) % most, left);
  }
  /// The first of `bytes`, which are taken off.
  [[nodiscard]] std::string_view take(std::string_view& bytes) {
    auto const piece = bytes.substr(0, next(bytes.size()));
    bytes.remove_prefix(piece.size());
    return piece;
  }

 private:
  void mix(std::uint64_t value) { state_ = (state_ ^ value) * 0x9e3779b97f4a7c15 + (state_ >> 29); }

  static constexpr std::array<std::uint64_t, 8> most_of_ = {1, 2, 4, 8, 16, 64, 300, 5000};

  Cut cut_;
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace reachback::fuzz
