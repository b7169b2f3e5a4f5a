#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/websocket_connection.hpp"
#include "unit/net/tcp_pair.hpp"

namespace reachback::test {

/// Keeps what a connection told.
struct Listening final : net::ConnectionSink {
  void on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                  core::Buffer message) override {
    kinds.push_back(kind);
    texts.emplace_back(message.view());
    if (then) then(connection);
  }
  void on_leave(net::WebSocketConnection&) override { ++left; }

  std::vector<core::MessageKind> kinds;
  std::vector<std::string> texts;
  int left = 0;
  std::function<void(net::WebSocketConnection&)> then;
};

inline wire::HttpRequestHead upgrade_request() {
  wire::HttpRequestHead head;
  head.method = "GET";
  head.target = "/wsData";
  head.fields.add("Host", "test");
  head.fields.add("Connection", "Upgrade");
  head.fields.add("Upgrade", "websocket");
  head.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  head.fields.add("Sec-WebSocket-Version", "13");
  head.websocket_upgrade = true;
  return head;
}

inline core::OutMessage message_of(std::string_view text, core::MessageKind kind = core::MessageKind::text) {
  core::OutMessage message;
  message.kind = kind;
  message.body = core::Buffer(text);
  return message;
}

enum class Opcode : unsigned { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// A frame as a server's peer sees it.
struct Frame {
  Opcode opcode{};
  bool fin = true;
  std::string payload;

  [[nodiscard]] int close_code() const {
    return payload.size() < 2
               ? 0
               : static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

/// A client's frame of less than 126 bytes, masked with zeros.
inline std::string frame_of(Opcode opcode, std::string_view payload) {
  std::string frame;
  frame += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  frame += static_cast<char>(0x80 | payload.size());
  frame.append(4, '\0').append(payload);
  return frame;
}

inline std::string close_frame(unsigned code) {
  return frame_of(Opcode::close, std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)});
}

/// The next frame that a server sent; nothing when the stream has ended.
inline Task<std::optional<Frame>> read_frame(Peer& peer) {
  std::string const head = co_await peer.read(2);
  if (head.size() < 2) co_return std::nullopt;
  Frame frame;
  frame.opcode = static_cast<Opcode>(head[0] & 0x0f);
  frame.fin = (head[0] & 0x80) != 0;
  std::size_t size = head[1] & 0x7f;
  std::size_t const more = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (more != 0) {
    std::string const length = co_await peer.read(more);
    size = 0;
    for (char const byte : length) size = size << 8 | static_cast<unsigned char>(byte);
  }
  frame.payload = co_await peer.read(size);
  co_return std::optional<Frame>(std::move(frame));
}

/// A connection in the server's role whose upgrade was answered, with a peer that is the test's.
class Served {
 public:
  Served(Bench& bench, net::ConnectionSettings const& settings, std::size_t message_limit = 1 << 20)
      : Served(bench, settings, message_limit, narrow_pair(bench.shard)) {}

  /// Reads the answer to the upgrade away.
  [[nodiscard]] Task<> opened() {
    std::string const head = co_await peer.read_until("\r\n\r\n");
    if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("no upgrade");
  }

  Listening heard;
  Peer peer;
  net::WebSocketConnection connection;
  Beside running;

 private:
  static TcpPair narrow_pair(async::Shard& shard) {
    TcpPair pair(shard);
    pair.narrow();
    return pair;
  }
  Served(Bench& bench, net::ConnectionSettings const& settings, std::size_t message_limit, TcpPair pair)
      : peer(bench.shard, std::move(pair.there), pair.here.native_handle()),
        connection(bench.shard, std::move(pair.here), proto::ConnectionId{1}, settings, heard),
        running(bench.shard, accepted(message_limit)) {}

  [[nodiscard]] Task<> accepted(std::size_t message_limit) {
    std::string fault;
    if (!connection.accept(upgrade_request(), message_limit, fault)) throw std::runtime_error(fault);
    return connection.run({});
  }
};

/// More than the kernel buffers for a peer that does not read: its sockets are narrow.
constexpr std::size_t too_much = 8 << 20;

/// Returns when nothing moves any more between a connection and a peer that does not read.
inline Task<> settle(Bench& bench, net::WebSocketConnection const& connection) {
  std::uint64_t sent = connection.traffic().bytes_out;
  for (int still = 0; still < 200; ++still) {
    co_await turn(bench.shard);
    if (std::exchange(sent, connection.traffic().bytes_out) != sent) still = 0;
  }
}

/// Ends a connection that the test needs no more.
inline Task<> leave(Served& served) {
  served.connection.abort();
  co_await served.running.join();
}

}  // namespace reachback::test
