#pragma once

#include <optional>
#include <string_view>

#include "bench/io/frames.hpp"
#include "bench/io/stream.hpp"
#include "bench/relay/exchange.hpp"

namespace reachback::bench {

/// A WebSocket whose peer answers calls. Like the gateway it passes on no message before the last byte of it
/// is there; a big one is received into the block that is then sent, and unmasked while it is hot in the
/// cache.
class ServiceSide final : public Stream {
 public:
  ServiceSide(Loop& loop, int socket, Exchange& exchange)
      : Stream(loop, socket, Watched::yes), exchange_(exchange) {
    exchange_.join(*this);
  }

  /// Sends a request, a JSON object, with the callId put in.
  void ask(RelayCallId id, std::string_view object);

 protected:
  std::size_t on_input(std::span<char> bytes) override;
  std::span<char> direct() override;
  void on_direct(std::size_t count) override;
  void on_closed() override { exchange_.leave(*this); }

 private:
  void take(FrameHead const& head, std::span<char> payload);
  void pass_on(std::string_view text, BlockPtr block);
  void begin_big(FrameHead const& head, std::span<char> payload_so_far);

  Exchange& exchange_;
  BlockPool pool_;
  BlockPtr big_;  ///< a big message while it comes
  FrameHead big_head_;
  std::size_t came_ = 0;  ///< of the big message
};

}  // namespace reachback::bench
