#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/buffer.hpp"

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

  /// Bytes that the current data frame still brings.
  [[nodiscard]] std::uint64_t payload_left() const { return payload_left_; }
  /// Whether the last frame handed out, all of it, was the last of its message; control frames don't count.
  [[nodiscard]] bool between_messages() const { return payload_left_ == 0 && !more_frames_; }

 private:
  [[nodiscard]] std::string_view take(std::size_t count);
  [[nodiscard]] std::string_view start_of_frame();
  void hold_more();

  std::string_view input_;
  std::uint64_t payload_left_ = 0;  ///< of the current data frame
  bool more_frames_ = false;        ///< of the current message
  core::Buffer held_;               ///< the start of a frame that must wait
};

}  // namespace reachback::wire
