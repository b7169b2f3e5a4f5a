#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "reachback/config.hpp"
#include "reachback/websocket_handler.hpp"
#include "reachback/websocket_state.hpp"

namespace reachback {

namespace async {
class Clock;
}

/// A gateway inside a program: listens, lets services dial in, carries calls. Its members may be called from
/// any thread that is not one of its shards.
class Gateway {
 public:
  /// Throws StartError when the configuration makes no sense.
  explicit Gateway(Config config);
  /// For tests: with a clock of their own, which outlives the gateway.
  Gateway(Config config, async::Clock& clock);
  /// Shuts down as `stop_now` does when it still runs.
  ~Gateway();
  Gateway(Gateway const&) = delete;
  Gateway& operator=(Gateway const&) = delete;

  /// Serves an endpoint by a handler of one's own, which replaces a configured one of that name. Before
  /// `start`; the handler outlives the gateway.
  void add_handler(BaseWebSocketHandler& handler);

  /// Listens and starts the shards' threads. Throws StartError, e.g. when the port is in use. Once.
  void start();
  /// The port that it listens on.
  [[nodiscard]] std::uint16_t port() const;

  /// Other keys for JWTs (`Config::jwt`), a JWK Set, from the next requests on: a token of a key that is gone
  /// is good no more, but what was opened with it lasts until its `exp`. Throws StartError, one line without
  /// anything of the keys, when it makes no sense; the old ones stay. After `start`.
  void set_jwt_keys(std::string_view jwk_set);

  /// The orderly end (http-api.md, "Operating"): not ready for `drain_wait`, then draining up to
  /// `drain_grace`, then closing. Services that speak `reachback.v1` are told when draining begins, and have
  /// the close time-out to join another gateway and leave. Returns at once; `wait` tells when all is over.
  void shut_down(Config::Duration drain_wait);
  /// The same with neither wait nor grace: calls end as `service-closed`.
  void stop_now();
  /// Returns when everything has been joined and the threads have ended.
  void wait();

  /// Reads the files of `Config::tls` anew; new connections are served by what they hold, if it is good. The
  /// log says what came of it. One call at a time; it waits for the file system.
  void reload(ReloadReason reason);

  [[nodiscard]] WebSocketState& state();
  /// For the library's own facades.
  [[nodiscard]] gateway::Core& core();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reachback
