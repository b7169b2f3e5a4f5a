#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <vector>

#include "wire/memory_layer.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::wire {

/// Found by Beast's stream when a connection ends: whoever owns the socket closes it.
inline void teardown(boost::beast::role_type, MemoryLayer&, boost::system::error_code& error) { error = {}; }

using Stream = boost::beast::websocket::stream<MemoryLayer, false>;

/// Beast's streams, each open and in the middle of nothing. One takes 3 KiB, and between two frames it knows
/// nothing of its connection: so connections borrow one for a control frame, clients also for a message that
/// they send. Each thread has a pool for each role, which dies with it.
class StreamPool {
 public:
  /// Those that too many connections had at once are not kept.
  static constexpr std::size_t most_kept = 64;

  [[nodiscard]] static StreamPool& of(Role role);

  explicit StreamPool(Role role) : role_(role) { kept_.reserve(most_kept); }

  /// What it reads and writes goes through `wire`, which also hears of control frames.
  [[nodiscard]] Stream take(Wire& wire);
  /// Only when no message, no ping and no close is in progress; one that failed dies elsewhere.
  void give(Stream&& stream) {
    if (kept_.size() < most_kept) kept_.push_back(std::move(stream));
  }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

 private:
  Role const role_;
  std::vector<Stream> kept_;
};

/// A server's stream, open when it could answer the request: its answer, which chooses `subprotocol` unless
/// that is empty, goes to `wire`, right or wrong.
[[nodiscard]] Stream accepted_stream(HttpRequestHead const& request, std::string_view subprotocol, Wire& wire,
                                     boost::system::error_code& error);

}  // namespace reachback::wire
