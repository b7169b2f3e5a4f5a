#pragma once

#include <string_view>

#include "bench/io/stream.hpp"
#include "bench/relay/exchange.hpp"
#include "bench/relay/http_request.hpp"

namespace reachback::bench {

/// A connection that speaks HTTP: it asks calls, posts messages, or becomes a WebSocket.
class CallerSide final : public Stream {
 public:
  CallerSide(Loop& loop, int socket, Exchange& exchange) : Stream(loop, socket), exchange_(exchange) {}

  /// A message for this caller's call, which waits. `block`: where it lies, if it is too big to copy.
  void answer(std::string_view text, BlockPtr block);

 protected:
  std::size_t on_input(std::span<char> bytes) override;
  void on_closed() override { exchange_.end_call(call_); }

 private:
  void serve(HttpRequest const& request, std::string_view body);
  void call(HttpRequest const& request, std::string_view body);
  void upgrade(HttpRequest const& request);
  void answer_whole(std::string_view text, BlockPtr block);
  void answer_line(std::string_view text, BlockPtr block);
  void append(std::string_view text, BlockPtr block);
  void end_call();

  Exchange& exchange_;
  RelayCallId call_ = 0;
  bool as_lines_ = false;
  std::size_t lines_ = 0;  ///< sent of this call
};

}  // namespace reachback::bench
