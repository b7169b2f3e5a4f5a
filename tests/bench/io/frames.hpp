#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reachback::bench {

/// RFC 6455, 5.2.
enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

using MaskKey = std::uint32_t;

struct FrameHead {
  Opcode opcode = Opcode::text;
  bool masked = false;
  MaskKey key = 0;       ///< as it lies in memory
  std::size_t size = 0;  ///< of the head itself
  std::size_t payload = 0;
};

/// Nothing while the head is incomplete. Fragments are not known here.
[[nodiscard]] std::optional<FrameHead> read_frame_head(std::string_view bytes);

/// The head of a server's frame.
void append_frame_head(std::string& out, Opcode opcode, std::size_t payload);
/// The head of a client's frame.
void append_frame_head(std::string& out, Opcode opcode, std::size_t payload, MaskKey key);

/// Masks or unmasks; `at` is where in the payload the bytes begin.
void apply_mask(std::span<char> bytes, MaskKey key, std::size_t at = 0);

/// RFC 6455, 4.2.2: what the server answers to a key.
[[nodiscard]] std::string accept_key(std::string_view key);

}  // namespace reachback::bench
