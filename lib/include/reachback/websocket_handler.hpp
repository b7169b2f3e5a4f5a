#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "reachback/config.hpp"
#include "reachback/errors.hpp"

namespace reachback {

/// What a callback learns of the connection that a message came from (the seed's `client`). Valid during the
/// callback.
struct WebSocketClient {
  std::string_view endpoint;
  ConnectionId id{};
  std::string_view user;  ///< who logged in, or "token"
  std::string_view remote_address;
  std::function<void(LogLevel, std::string_view)> const* log = nullptr;  ///< the gateway's, may be null
};

/// The seed's `callback(client, message)`. Runs on the thread of the endpoint's shard and must not block it:
/// hand work on. What it throws is logged and does not end the connection.
using MessageCallback = std::function<void(WebSocketClient const& client, std::string_view message)>;

/// The seed's `connNotify(endpoint, "open" | "close")`. The same thread and rules as MessageCallback.
using ConnectionNotice = std::function<void(std::string_view endpoint, std::string_view event)>;

/// The seed's defaultWebsocketCallback(client, message): reads the message as JSON and logs its `cmd` at
/// debug level. Throws std::invalid_argument when it is no JSON object with a `cmd`, which is logged as any
/// callback's error is.
void default_websocket_callback(WebSocketClient const& client, std::string_view message);

/// The policy of an endpoint (the seed's BaseWebSocketHandler): who is told of what happens on its
/// connections. This one is for endpoints of kind `broadcast`. Derive to override `open`, `on_message` or
/// `on_close`, which run on the endpoint's shard as callbacks do; the gateway calls them. One handler serves
/// one endpoint and outlives the gateway's run.
class BaseWebSocketHandler {
 public:
  BaseWebSocketHandler() = default;
  virtual ~BaseWebSocketHandler() = default;
  BaseWebSocketHandler(BaseWebSocketHandler const&) = delete;
  BaseWebSocketHandler& operator=(BaseWebSocketHandler const&) = delete;

  /// The seed's initialize(name, callback, connNotify). Before the gateway starts. Without a callback
  /// `default_websocket_callback` is called.
  void initialize(std::string name, MessageCallback callback = {}, ConnectionNotice connection_notice = {});

  /// The seed's open(): a connection has joined. Calls the connection notice.
  virtual void open(WebSocketClient const& client);
  /// The seed's on_message(message): calls the callback.
  virtual void on_message(WebSocketClient const& client, std::string_view message);
  /// The seed's on_close(): a connection has left. Calls the connection notice.
  virtual void on_close(WebSocketClient const& client);

  [[nodiscard]] virtual EndpointKind kind() const { return EndpointKind::broadcast; }
  [[nodiscard]] std::string const& name() const { return name_; }
  /// The endpoint's configuration as the gateway reads it.
  [[nodiscard]] virtual EndpointConfig endpoint() const { return {name_, kind(), {}}; }

 protected:
  MessageCallback callback_;
  ConnectionNotice connection_notice_;

 private:
  std::string name_;
};

/// The seed's DataWebSocketHandler: connections are remote services that answer calls. The gateway matches
/// answers to calls by itself and, when a connection leaves, ends its calls at once; a callback only watches
/// the messages.
class DataWebSocketHandler : public BaseWebSocketHandler {
 public:
  void on_message(WebSocketClient const& client, std::string_view message) override;
  [[nodiscard]] EndpointKind kind() const override { return EndpointKind::service; }
};

/// The seed's RejectWebSocketHandler: accepts the upgrade and closes with 1008 (the original's 1 is no legal
/// code) and the reason.
class RejectWebSocketHandler : public BaseWebSocketHandler {
 public:
  /// The seed's initialize(rejectMsg), with the endpoint's name. At most 123 bytes.
  void initialize(std::string name, std::string reject_message);
  [[nodiscard]] EndpointKind kind() const override { return EndpointKind::reject; }
  [[nodiscard]] EndpointConfig endpoint() const override { return {name(), kind(), reject_message_}; }

 private:
  std::string reject_message_;
};

}  // namespace reachback
