#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/buffer.hpp"
#include "core/outbox.hpp"
#include "reachback/proto/close_code.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::wire {

/// The bytes that a payload is masked with (RFC 6455, 5.3), from the one that its next byte is due.
using Mask = std::array<char, 4>;

/// Masks or unmasks where the bytes are. True when all are ASCII then: of use to whoever unmasks.
bool apply(Mask mask, char* bytes, std::size_t count);

/// Takes a peer's frames (RFC 6455, 5.2) apart, in whatever pieces their bytes come, and judges the headers
/// of data frames. Control frames are only found: whoever gets them judges them, and never meets half of one.
/// Pure.
class FrameReader {
 public:
  enum class Step : std::uint8_t {
    need_more,  ///< all that was offered has been taken
    control,    ///< `piece` is a whole control frame, or the header of one that claims too much
    payload,    ///< `piece` is more of a data frame's payload, or all of an empty one's
    fault,      ///< a header broke a rule: see `fault`
  };

  /// `role` is ours, not the peer's.
  FrameReader(Role role, std::size_t message_limit) : role_(role), message_limit_(message_limit) {}

  /// `bytes` must outlive the calls of `next` until that says `need_more`.
  void offer(std::string_view bytes) { input_ = bytes; }
  /// Not after a `fault`.
  [[nodiscard]] Step next();

  /// Until the next call of `next` or `offer`. A payload is still masked.
  [[nodiscard]] std::string_view piece() const { return piece_; }
  /// For the payload that `piece` is; nothing when it came unmasked.
  [[nodiscard]] std::optional<Mask> mask() const { return piece_mask_; }
  [[nodiscard]] core::MessageKind kind() const { return kind_; }
  /// Whether the message ends with `piece`.
  [[nodiscard]] bool ends_message() const { return payload_left_ == 0 && !inside_message_; }
  [[nodiscard]] proto::CloseCode fault() const { return fault_; }
  /// Bytes that the current data frame still brings.
  [[nodiscard]] std::uint64_t payload_left() const { return payload_left_; }

 private:
  [[nodiscard]] std::string_view take(std::size_t count);
  [[nodiscard]] Step start_of_frame();
  [[nodiscard]] Step start_of_data(std::string_view frame);
  [[nodiscard]] Step more_payload();
  [[nodiscard]] Step fails(proto::CloseCode code);
  void hold_more();

  Role const role_;
  bool inside_message_ = false;  ///< more frames belong to it than have begun
  core::MessageKind kind_ = core::MessageKind::text;
  proto::CloseCode fault_ = proto::CloseCode::normal;
  std::size_t const message_limit_;
  std::size_t message_size_ = 0;  ///< by the frames that have begun
  std::uint64_t payload_left_ = 0;
  std::optional<Mask> mask_;  ///< for the next byte
  std::optional<Mask> piece_mask_;
  std::string_view input_;
  std::string_view piece_;
  core::Buffer held_;  ///< the start of a header or control frame that must wait
};

}  // namespace reachback::wire
