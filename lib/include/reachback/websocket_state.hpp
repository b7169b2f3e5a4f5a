#pragma once

#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reachback/errors.hpp"

namespace reachback {

namespace gateway {
class Core;
}

/// How many connections took a message.
struct SendCount {
  std::size_t delivered = 0;  ///< accepted into their outboxes
  std::size_t dropped = 0;    ///< closed because they were too slow
};

/// The seed's websocketState: the endpoints with their connections. There is no global lock and no global
/// list: each endpoint's lists live on its shard, and these functions ask there (the seed's wsConnLock,
/// wsConnectionLists, wsCallbacks). Every function may be called from any thread that is not a shard's (not
/// from a callback) while the gateway runs, and waits for the answer; the futures of the `async_` forms may
/// be dropped and are for callbacks.
class WebSocketState {
 public:
  explicit WebSocketState(gateway::Core& core) : core_(core) {}

  /// The names of all endpoints, in the order of the configuration.
  [[nodiscard]] std::vector<std::string> endpoints() const;
  /// The connections of an endpoint in the order in which they joined (the seed's wsConnectionLists[name]).
  [[nodiscard]] Result<std::vector<ConnectionId>> connections(std::string const& name) const;

  /// The seed's sendWebSocketMessage(wsName, msg, conn): a text message to every connection of the endpoint,
  /// or to the one named. `no_endpoint`, `no_connection` (the seed's StateError), `disabled` for kind
  /// `reject`, `bad_message` for what only the gateway says to services (`reachback.v1`).
  Result<SendCount> send_websocket_message(std::string const& name, std::string_view message,
                                           std::optional<ConnectionId> connection = std::nullopt);
  std::future<Result<SendCount>> async_send_websocket_message(
      std::string const& name, std::string_view message,
      std::optional<ConnectionId> connection = std::nullopt);

  /// The seed's closeAllConnections(): closes every connection of every endpoint (4000). Returns how many.
  std::size_t close_all_connections();
  std::future<std::size_t> async_close_all_connections();

 private:
  gateway::Core& core_;
};

}  // namespace reachback
