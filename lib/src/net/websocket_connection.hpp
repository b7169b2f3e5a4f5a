#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "core/bound.hpp"
#include "core/budget.hpp"
#include "core/outbox.hpp"
#include "core/send_log.hpp"
#include "net/stream.hpp"
#include "reachback/proto/close_code.hpp"
#include "reachback/proto/ids.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::net {

class WebSocketConnection;

/// Who owns a connection's messages: an endpoint of the gateway, or our own service. Called on the
/// connection's shard, never from inside `send`.
class ConnectionSink {
 public:
  virtual void on_message(WebSocketConnection& connection, core::MessageKind kind, core::Buffer message) = 0;
  /// More of a message has come, but not its end: all of it so far, where it is until the next call.
  virtual void on_partial(WebSocketConnection&, core::MessageKind, std::string_view) {}
  /// The connection will bring no more messages and takes none: the peer closed or is gone, it fell silent,
  /// broke the protocol, or `close` was called (then this is called from inside `close`). Exactly once, and
  /// before the socket closes.
  virtual void on_leave(WebSocketConnection& connection) = 0;

 protected:
  ~ConnectionSink() = default;
};

struct ConnectionSettings {
  std::size_t outbox_limit = 32u << 20;
  core::Duration ping_interval = std::chrono::seconds(20);
  core::Duration silence_timeout = std::chrono::seconds(40);
  core::Duration write_timeout = std::chrono::seconds(30);  ///< without any progress
  core::Duration close_timeout = std::chrono::seconds(2);   ///< for the closing handshake
  core::Budget* receive_budget = nullptr;                   ///< of messages that are not complete; null: none
  core::Refusals* refusals = nullptr;  ///< of the connections' shard; null: nobody counts
};

/// Traffic of one connection, counted since it opened.
struct ConnectionTraffic {
  std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
  std::optional<core::Duration> round_trip;  ///< of the last ping that was answered
};

/// An open WebSocket on its shard, for either role: reads when there is something to read, hands messages to
/// the sink, sends what its outbox holds in fragments of 64 KiB between which control frames pass, pings, and
/// notices silence. `run` is its life; all other members are for the same shard's thread.
class WebSocketConnection final : public async::Flushable, private wire::WebSocketSink {
 public:
  static constexpr std::size_t fragment_size = 64 * 1024;
  /// Answers to a peer that pings without reading; more than that ends the connection.
  static constexpr std::size_t control_backlog = 256 * 1024;

  WebSocketConnection(async::Shard& shard, Stream stream, proto::ConnectionId id,
                      ConnectionSettings const& settings, ConnectionSink& sink);
  ~WebSocketConnection();

  /// Server: answers the upgrade, choosing `subprotocol` unless it is empty. False when the request is no
  /// valid one: `fault` says why, nothing has been sent.
  [[nodiscard]] bool accept(wire::HttpRequestHead const& request, std::size_t message_limit,
                            std::string& fault, std::string_view subprotocol = {});
  /// Client: after the server's 101.
  void open_as_client(std::size_t message_limit);

  /// Reads until the connection is over, closes the socket and returns when no operation is left. `first` are
  /// bytes that came behind the handshake. Cancellation (terminal) ends it without a closing handshake.
  [[nodiscard]] Task<> run(core::Buffer first);

  /// Queues a message. `none`: it does not fit (see `fits`) or the connection is leaving.
  core::MessageNumber send(core::OutMessage&& message);
  [[nodiscard]] bool fits(std::size_t size) const { return open() && outbox_.fits(size); }
  /// Queues a small message of which the sender bounds the number: it goes beyond the outbox's limit, so that
  /// it also passes while a request waits that fills it. `none`: the connection is leaving.
  core::MessageNumber send_beyond_limit(core::OutMessage&& message);
  /// Takes a message back of which nothing was framed.
  bool revoke(core::MessageNumber number);
  /// How far a message got.
  [[nodiscard]] proto::Delivery delivery(core::MessageNumber number);

  /// Starts the closing handshake behind what is queued; the socket closes at the latest after the close
  /// timeout.
  void close(proto::CloseCode code, std::string_view reason);
  /// Ends it without a handshake.
  void abort();

  [[nodiscard]] bool open() const { return state_ == State::open; }
  [[nodiscard]] proto::ConnectionId id() const { return id_; }
  [[nodiscard]] std::size_t outbox_bytes() const { return outbox_.bytes(); }
  [[nodiscard]] ConnectionTraffic const& traffic() const { return traffic_; }
  /// The code with which it closed, ours or the peer's; 1006 when the peer was simply gone.
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }

  void flush() override;

 private:
  enum class State : std::uint8_t {
    open,
    closing,    ///< we have sent or shall send a close frame
    finishing,  ///< the handshake is done or has failed: what is left is sent, then the stream ends
    over,       ///< nothing more is read or sent
  };

  void on_message(core::MessageKind kind, core::Buffer message) override;
  void on_partial(core::MessageKind kind, std::string_view so_far) override;
  void on_pong(std::string_view payload) override;

  /// Whether the shard's other work goes first, so many turns after a receive.
  [[nodiscard]] bool gives_way(int turn) const;
  void receive();
  void feed(std::string_view bytes);
  void hold_receive_budget();
  void refuse_more();
  void leave();
  void finish();
  void tick();
  void set_tick();
  void stalled();
  void close_expired();
  void count(core::Bound bound);
  [[nodiscard]] bool may_frame() const {
    return codec_->state() == wire::WebSocketState::open && !close_written_;
  }
  [[nodiscard]] bool send_ready_frame();
  void fill();
  void write_fragment(core::Fragment const& fragment);
  [[nodiscard]] bool send_some();
  void wait_writable();
  void schedule_flush();
  void all_sent();
  void acknowledge();
  [[nodiscard]] std::uint64_t stream_end() const { return out_offset_ + out_.size(); }

  async::Shard& shard_;
  Stream stream_;
  proto::ConnectionId const id_;
  ConnectionSettings const& settings_;
  ConnectionSink& sink_;
  std::unique_ptr<wire::WebSocketCodec> codec_;

  State state_ = State::open;
  bool left_ = false;
  bool close_written_ = false;
  bool end_written_ = false;
  bool flush_scheduled_ = false;
  bool write_waits_ = false;
  bool write_broken_ = false;
  std::uint16_t close_code_ = 1006;
  std::string close_reason_;

  core::Outbox outbox_;
  core::Buffer out_;  ///< framed; the first `out_sent_` bytes are with the kernel
  std::size_t out_sent_ = 0;
  std::uint64_t out_offset_ = 0;  ///< where `out_` begins in the stream
  core::SendLog log_;
  core::Permit receive_permit_;

  core::TimePoint last_byte_;
  std::uint64_t ping_number_ = 0;
  std::uint64_t ping_offset_ = 0;
  core::TimePoint ping_sent_;
  async::Deadline tick_;
  async::Deadline stalled_;
  async::Deadline close_deadline_;
  async::Signal joined_;
  ConnectionTraffic traffic_;
};

}  // namespace reachback::net
