#pragma once

#include <cstdint>
#include <string_view>

#include "async/shard.hpp"
#include "client/dialer.hpp"
#include "client/gateway_error.hpp"
#include "client/log.hpp"
#include "client/request_pool.hpp"
#include "core/credit.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/proto/close_code.hpp"
#include "reachback/proto/subprotocol.hpp"

namespace reachback::client {

class Attachment;

/// The service that an attachment belongs to. Called on its shard.
class AttachmentOwner {
 public:
  /// It brings no new requests: its gateway said `goaway`, or it is over. Called for both.
  virtual void on_no_more_requests(Attachment& attachment) = 0;
  /// The gateway's own word, mostly before it closes.
  virtual void on_gateway_error(Attachment& attachment, GatewayError const& error) = 0;

 protected:
  ~AttachmentOwner() = default;
};

/// One open connection to a gateway, from the upgrade to its end: hands its requests to the pool and obeys
/// what a gateway with `reachback.v1` says. A service has several while it moves from one gateway to another.
/// Lives on the shard; what is passed in outlives it.
class Attachment final : private net::ConnectionSink {
 public:
  Attachment(async::Shard& shard, RequestPool& pool, Log const& log, AttachmentOwner& owner,
             proto::ConnectionId id, Dialed dialed);

  /// Its life; returns when the connection is closed. Ends by the gateway's close, silence or `close`.
  [[nodiscard]] async::Task<> run();
  /// Closes as soon as every request that has come is answered and the answers are sent.
  void leave_when_done();
  void close(proto::CloseCode code, std::string_view reason);

  /// The gateway has announced its end.
  [[nodiscard]] bool told_to_go() const { return told_to_go_; }
  [[nodiscard]] core::TimePoint opened_at() const { return opened_at_; }
  [[nodiscard]] Credential credential() const { return credential_; }
  [[nodiscard]] std::uint16_t close_code() const { return connection_.close_code(); }

 private:
  void on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                  core::Buffer message) override;
  void on_leave(net::WebSocketConnection& connection) override;
  void obey(proto::ControlMessage const& message);
  void leave_if_done();

  RequestPool& pool_;
  Log const& log_;
  AttachmentOwner& owner_;
  core::TimePoint const opened_at_;
  core::Pacing const pacing_;
  Credential const credential_;
  core::Buffer rest_;  ///< came behind the handshake
  bool told_to_go_ = false;
  bool leaving_ = false;
  net::WebSocketConnection connection_;
};

}  // namespace reachback::client
