#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::wire_test {

enum class Opcode : unsigned { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// A frame as it stands on the wire, right or wrong.
struct RawFrame {
  Opcode opcode = Opcode::text;
  std::string payload = {};
  bool fin = true;
  bool masked = true;
  unsigned reserved_bits = 0;  ///< 0x40, 0x20, 0x10
};

[[nodiscard]] std::string bytes_of(RawFrame const& frame);
/// The header alone, for a length that need not be that of any payload; masked.
[[nodiscard]] std::string header_of(Opcode opcode, std::uint64_t length);
/// A masked close frame.
[[nodiscard]] std::string close_frame(std::uint16_t code, std::string_view reason = {});

/// What a codec wrote, taken apart and unmasked. Bytes that are no whole frame make the test fail.
[[nodiscard]] std::vector<RawFrame> frames_in(std::string_view bytes);

struct Heard {
  core::MessageKind kind;
  std::string text;
  bool operator==(Heard const&) const = default;
};

class Recorder final : public wire::WebSocketSink {
 public:
  void on_message(core::MessageKind kind, core::Buffer message) override {
    messages.push_back({kind, std::string(message.view())});
  }
  void on_partial(core::MessageKind kind, std::string_view so_far) override {
    if (keeps_partials) partials.push_back({kind, std::string(so_far)});
  }
  void on_pong(std::string_view payload) override { pongs.emplace_back(payload); }

  std::vector<Heard> messages;
  std::vector<Heard> partials;
  bool keeps_partials = false;  ///< of a big message they would take the square of its size
  std::vector<std::string> pongs;
};

[[nodiscard]] wire::HttpRequestHead upgrade_request();

/// A server's codec after its handshake, with what it heard and what it wrote since.
struct Server {
  explicit Server(std::size_t message_limit = 1024 * 1024);
  /// What was written since the last call.
  [[nodiscard]] std::string take_out();

  Recorder heard;
  core::Buffer out;
  std::unique_ptr<wire::WebSocketCodec> codec;
};

/// The same for a client.
struct Client {
  explicit Client(std::size_t message_limit = 1024 * 1024);
  [[nodiscard]] std::string take_out();

  Recorder heard;
  core::Buffer out;
  std::unique_ptr<wire::WebSocketCodec> codec;
};

/// Feeds pieces of that size while the codec is open, and returns its last state.
wire::WebSocketState feed_in_pieces(wire::WebSocketCodec& codec, std::string_view bytes, std::size_t size);

}  // namespace reachback::wire_test
