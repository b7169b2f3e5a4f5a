#include "wire/frame_reader.hpp"

#include <algorithm>
#include <cstring>

namespace reachback::wire {
namespace {

using proto::CloseCode;

// The layout of RFC 6455, 5.2.
constexpr unsigned last_frame_bit = 0x80;
constexpr unsigned reserved_bits = 0x70;
constexpr unsigned opcode_bits = 0x0f;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned length_bits = 0x7f;
constexpr unsigned two_byte_length = 126;
constexpr unsigned eight_byte_length = 127;
constexpr unsigned continuation = 0;
constexpr unsigned binary = 2;

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
unsigned opcode_of(std::string_view frame) { return byte_at(frame, 0) & opcode_bits; }
bool is_control(std::string_view frame) { return opcode_of(frame) >= 8 && opcode_of(frame) <= 10; }
bool is_masked(std::string_view frame) { return (byte_at(frame, 1) & mask_bit) != 0; }

std::size_t length_field_size(std::string_view frame) {
  unsigned const length = byte_at(frame, 1) & length_bits;
  return length == two_byte_length ? 2 : length == eight_byte_length ? 8 : 0;
}

std::size_t header_size(std::string_view frame) {
  return 2 + length_field_size(frame) + (is_masked(frame) ? sizeof(Mask) : 0);
}

std::uint64_t payload_length(std::string_view frame) {
  std::size_t const size = length_field_size(frame);
  if (size == 0) return byte_at(frame, 1) & length_bits;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < size; ++i) length = (length << 8) | byte_at(frame, 2 + i);
  return length;
}

/// How many bytes of a frame must be there before it is looked at; grows with what is known of it.
std::size_t bytes_needed(std::string_view frame) {
  if (frame.size() < 2) return 2;
  // A control frame that claims more than 125 bytes is wrong: its header alone shows that.
  bool const whole = is_control(frame) && length_field_size(frame) == 0;
  return header_size(frame) + (whole ? byte_at(frame, 1) & length_bits : 0);
}

/// Lengths stand in as few bytes as they need, and the highest of 64 bits is 0.
bool is_well_written(std::size_t field_size, std::uint64_t length) {
  if (field_size == 2) return length >= two_byte_length;
  if (field_size == 8) return length > 0xffff && length >> 63 == 0;
  return true;
}

std::optional<Mask> mask_of(std::string_view header) {
  if (!is_masked(header)) return std::nullopt;
  Mask mask;
  std::memcpy(mask.data(), header.data() + header.size() - mask.size(), mask.size());
  return mask;
}

Mask mask_after(Mask const& mask, std::size_t count) {
  Mask rest;
  for (std::size_t i = 0; i < rest.size(); ++i) rest[i] = mask[(count + i) % mask.size()];
  return rest;
}

}  // namespace

bool apply(Mask mask, char* bytes, std::size_t count) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, mask.data(), mask.size());
  std::memcpy(reinterpret_cast<char*>(&eight) + mask.size(), mask.data(), mask.size());
  std::size_t const words = count / sizeof eight;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    word ^= eight;
    all |= word;
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  for (std::size_t i = words * sizeof eight; i < count; ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ mask[i % mask.size()]);
    all |= static_cast<unsigned char>(bytes[i]);
  }
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  return (all & high_bits) == 0;
}

FrameReader::Step FrameReader::next() {
  if (payload_left_ == 0) return start_of_frame();
  if (input_.empty()) return Step::need_more;
  return more_payload();
}

FrameReader::Step FrameReader::start_of_frame() {
  if (!held_.empty()) hold_more();
  bool const from_held = !held_.empty();
  auto const frame = from_held ? held_.view() : input_;
  std::size_t const needed = bytes_needed(frame);
  if (frame.size() < needed) {
    if (!from_held) hold_more();
    return Step::need_more;
  }
  // What is held stays where it is until the next frame must wait.
  if (from_held) held_.clear();
  piece_ = from_held ? frame : take(needed);
  return is_control(piece_) ? Step::control : start_of_data(piece_);
}

FrameReader::Step FrameReader::start_of_data(std::string_view header) {
  unsigned const opcode = opcode_of(header);
  bool const continues = opcode == continuation;
  if (opcode > binary || (byte_at(header, 0) & reserved_bits) != 0 || continues != inside_message_ ||
      is_masked(header) != (role_ == Role::server))
    return fails(CloseCode::protocol_error);
  std::uint64_t const length = payload_length(header);
  if (!is_well_written(length_field_size(header), length)) return fails(CloseCode::protocol_error);
  if (!continues) {
    kind_ = opcode == binary ? core::MessageKind::binary : core::MessageKind::text;
    message_size_ = 0;
  }
  if (length > message_limit_ - message_size_) return fails(CloseCode::too_big);
  message_size_ += static_cast<std::size_t>(length);
  inside_message_ = (byte_at(header, 0) & last_frame_bit) == 0;
  payload_left_ = length;
  mask_ = mask_of(header);
  return input_.empty() && length != 0 ? Step::need_more : more_payload();
}

FrameReader::Step FrameReader::more_payload() {
  auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input_.size()));
  payload_left_ -= count;
  piece_ = take(count);
  piece_mask_ = mask_;
  if (mask_) mask_ = mask_after(*mask_, count);
  return Step::payload;
}

FrameReader::Step FrameReader::fails(CloseCode code) {
  fault_ = code;
  return Step::fault;
}

std::string_view FrameReader::take(std::size_t count) {
  auto const piece = input_.substr(0, count);
  input_.remove_prefix(count);
  return piece;
}

void FrameReader::hold_more() {
  while (!input_.empty() && held_.size() < bytes_needed(held_.view())) {
    held_.append(take(std::min(input_.size(), bytes_needed(held_.view()) - held_.size())));
  }
}

}  // namespace reachback::wire
