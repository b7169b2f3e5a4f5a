#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reachback::wire {

/// Cuts incoming bytes into pieces that never reach beyond one WebSocket frame and never end inside a header
/// or a control frame. It checks nothing: it only looks at lengths, so that whoever gets the pieces can check
/// and never meets half a header. Pure.
class FrameGate {
 public:
  /// `bytes` must outlive the calls of `next` until that returns nothing; then none of them is needed any
  /// more.
  void offer(std::string_view bytes) { input_ = bytes; }

  /// The next piece: a data frame's header with as much of its payload as is there, more of that payload, or
  /// a whole control frame. Empty: more bytes are needed. The piece holds until the next call of `next` or
  /// `offer`.
  [[nodiscard]] std::string_view next();

 private:
  [[nodiscard]] std::string_view take(std::size_t count);
  [[nodiscard]] std::string_view start_of_frame();
  void hold_more();
  [[nodiscard]] std::string_view held() const { return {held_.data(), held_size_}; }

  /// A control frame has two bytes of header, four of mask, 125 of payload; a data frame's header is shorter
  /// than that.
  static constexpr std::size_t longest_held = 2 + 4 + 125;

  std::string_view input_;
  std::uint64_t payload_left_ = 0;  ///< of the current data frame
  std::size_t held_size_ = 0;
  std::array<char, longest_held> held_;  ///< the start of a frame that must wait
};

}  // namespace reachback::wire
