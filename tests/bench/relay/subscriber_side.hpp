#pragma once

#include "bench/io/stream.hpp"
#include "bench/relay/exchange.hpp"

namespace reachback::bench {

/// A WebSocket that receives what is posted. What it sends is not looked at.
class SubscriberSide final : public Stream {
 public:
  SubscriberSide(Loop& loop, int socket, Exchange& exchange)
      : Stream(loop, socket, Watched::yes), exchange_(exchange) {
    exchange_.join(*this);
  }

 protected:
  std::size_t on_input(std::span<char> bytes) override { return bytes.size(); }
  void on_closed() override { exchange_.leave(*this); }

 private:
  Exchange& exchange_;
};

}  // namespace reachback::bench
