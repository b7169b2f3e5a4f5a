#pragma once

#include <string>
#include <string_view>

#include "bench/io/frames.hpp"
#include "bench/io/stream.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// The key of every frame that we send: a constant, so that a big payload is masked once for all its
/// sendings.
constexpr MaskKey mask_key = 0x5ac3963c;

/// A WebSocket that was dialled to an endpoint of the server. With a subprotocol it insists on that.
class Peer : public Stream {
 public:
  Peer(Loop& loop, Options const& options, std::string_view endpoint, std::string_view subprotocol = {});

  /// Whether it may be spoken to.
  [[nodiscard]] virtual bool joined() const { return joined_; }

 protected:
  virtual void on_message(std::string_view text) = 0;
  virtual void on_pong(std::string_view) {}

  std::size_t on_input(std::span<char> bytes) final;
  void on_closed() final;
  void send(Opcode opcode, std::string_view payload);
  /// Sends a message, a JSON object, of which all but the beginning was masked before.
  void send(std::string head, BlockPtr masked_tail);

 private:
  [[nodiscard]] std::size_t take_upgrade(std::string_view bytes);
  void take_frame(Opcode opcode, std::string_view payload);

  bool joined_ = false;
  std::string subprotocol_;
};

}  // namespace reachback::bench
