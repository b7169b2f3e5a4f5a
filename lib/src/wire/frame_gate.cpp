#include "wire/frame_gate.hpp"

#include <algorithm>

namespace reachback::wire {
namespace {

// The layout of RFC 6455, 5.2.
constexpr unsigned length_bits = 0x7f;
constexpr unsigned last_frame_bit = 0x80;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned two_byte_length = 126;
constexpr unsigned eight_byte_length = 127;

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::size_t length_field_size(std::string_view frame) {
  unsigned const length = byte_at(frame, 1) & length_bits;
  return length == two_byte_length ? 2 : length == eight_byte_length ? 8 : 0;
}

bool is_control(std::string_view frame) {
  unsigned const opcode = byte_at(frame, 0) & 0x0f;
  return opcode >= 8 && opcode <= 10;
}

/// How many bytes of a frame must be there before anybody may see it; grows with what is known of it.
std::size_t bytes_needed(std::string_view frame) {
  if (frame.size() < 2) return 2;
  std::size_t const masked = (byte_at(frame, 1) & mask_bit) != 0 ? 4 : 0;
  std::size_t const header = 2 + length_field_size(frame) + masked;
  // A control frame that claims more than 125 bytes is wrong: its header alone shows that.
  bool const whole = is_control(frame) && length_field_size(frame) == 0;
  return whole ? header + (byte_at(frame, 1) & length_bits) : header;
}

std::uint64_t payload_length(std::string_view frame) {
  std::size_t const size = length_field_size(frame);
  if (size == 0) return byte_at(frame, 1) & length_bits;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < size; ++i) length = (length << 8) | byte_at(frame, 2 + i);
  return length;
}

}  // namespace

std::string_view FrameGate::next() {
  if (payload_left_ == 0) return start_of_frame();
  auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input_.size()));
  payload_left_ -= count;
  return take(count);
}

std::string_view FrameGate::start_of_frame() {
  if (!held_.empty()) hold_more();
  bool const from_held = !held_.empty();
  auto const frame = from_held ? held_.view() : input_;
  std::size_t const needed = bytes_needed(frame);
  if (frame.size() < needed) {
    if (!from_held) hold_more();
    return {};
  }
  if (!is_control(frame)) {
    payload_left_ = payload_length(frame);
    more_frames_ = (byte_at(frame, 0) & last_frame_bit) == 0;
  }
  if (from_held) {
    held_.clear();
    return frame;
  }
  auto const at_hand =
      static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input_.size() - needed));
  payload_left_ -= at_hand;
  return take(needed + at_hand);
}

std::string_view FrameGate::take(std::size_t count) {
  auto const piece = input_.substr(0, count);
  input_.remove_prefix(count);
  return piece;
}

void FrameGate::hold_more() {
  while (!input_.empty() && held_.size() < bytes_needed(held_.view())) {
    held_.append(take(std::min(input_.size(), bytes_needed(held_.view()) - held_.size())));
  }
}

}  // namespace reachback::wire
