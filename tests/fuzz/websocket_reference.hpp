#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/websocket_codec.hpp"

namespace reachback::fuzz {

/// A frame on the wire, unmasked.
struct Frame {
  unsigned opcode = 0;
  bool fin = false;
  unsigned reserved_bits = 0;
  bool masked = false;
  bool shortest_length = true;
  std::uint64_t length = 0;  ///< as announced
  std::string payload;       ///< as much of it as is there
  [[nodiscard]] bool whole() const { return payload.size() == length; }
  [[nodiscard]] bool is_control() const { return opcode >= 8; }
};

/// The next frame, taken off; nothing while its header is not complete.
[[nodiscard]] std::optional<Frame> take_frame(std::string_view& bytes);

struct Heard {
  core::MessageKind kind;
  std::string text;
  bool operator==(Heard const&) const = default;
};

/// What a peer that reads RFC 6455 from the whole of the bytes makes of them: written for this comparison,
/// with nothing of the codec's.
struct Reference {
  std::vector<Heard> messages;
  std::vector<std::string> pings, pongs;
  wire::WebSocketState state = wire::WebSocketState::open;
  std::uint16_t code = 0;        ///< of the close frame that came, or of the failure
  std::uint16_t other_code = 0;  ///< of a failure that breaks two rules
  bool unclear = false;  ///< a text is wrong inside of a frame: whether that is told now or at its end
  bool may_have_failed = false;  ///< what is wrong may be told now or when more has come
};

[[nodiscard]] Reference read_by_the_book(std::string_view bytes, wire::Role role, std::size_t message_limit);

}  // namespace reachback::fuzz
