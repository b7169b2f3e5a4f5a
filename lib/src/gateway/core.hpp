#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "async/shard.hpp"
#include "async/task_group.hpp"
#include "core/bound.hpp"
#include "core/budget.hpp"
#include "gateway/admission.hpp"
#include "gateway/call_metrics.hpp"
#include "gateway/caller.hpp"
#include "gateway/client_certificates.hpp"
#include "gateway/credentials.hpp"
#include "gateway/endpoint.hpp"
#include "gateway/login_desk.hpp"
#include "gateway/server_tls.hpp"
#include "gateway/trusted_proxies.hpp"
#include "net/http_session.hpp"
#include "net/listener.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/config.hpp"
#include "reachback/websocket_handler.hpp"

namespace reachback::gateway {

/// What lives on one shard beside its endpoints: the HTTP sessions and callers. For that shard's thread.
struct ShardScope {
  ShardScope(std::uint32_t index, async::Clock& clock, std::size_t call_budget, std::size_t endpoints,
             JwtVerifier jwt_verifier, async::TaskGroup::Report const& report);
  ShardScope(ShardScope const&) = delete;
  ShardScope& operator=(ShardScope const&) = delete;

  async::Shard shard;
  CallerTable callers;
  std::vector<CallMetrics> calls;  ///< by endpoint index
  JwtVerifier jwts;
  core::Refusals refusals;
  net::HttpSettings http;              ///< of its sessions, which count among its refusals
  net::ConnectionSettings websockets;  ///< and of its WebSockets
  std::unordered_set<net::HttpSession*> sessions;
  async::TaskGroup tasks;   ///< the sessions
  async::TaskGroup ending;  ///< what ends the sessions and endpoints
};

/// The gateway's parts and its life: starts the shards, spreads sockets over them, knows the endpoints, and
/// carries out the orderly end. What is shared between shards is either constant after `start` or atomic.
class Core final : private net::AcceptSink {
 public:
  enum class Phase : std::uint8_t { starting, ready, not_ready, draining, over };

  Core(Config config, async::Clock& clock);
  ~Core();

  void add_handler(BaseWebSocketHandler& handler);
  /// Throws StartError.
  void start();
  void wait();
  void shut_down(core::Duration drain_wait);
  void stop_now();
  /// After start. Throws StartError when it is no set of keys; the old ones stay.
  void set_jwt_keys(std::string_view jwk_set);
  /// See `Gateway::reload`.
  void reload(ReloadReason reason);

  // Any thread, after start.
  [[nodiscard]] Config const& config() const { return config_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Phase phase() const { return phase_.load(std::memory_order_acquire); }
  [[nodiscard]] bool draining() const { return phase() >= Phase::draining; }
  [[nodiscard]] Credentials const& credentials() const { return credentials_; }
  [[nodiscard]] ClientCertificates const& client_certificates() const { return client_certificates_; }
  [[nodiscard]] ServerTls const& tls() const { return tls_; }
  [[nodiscard]] TrustedProxies const& trusted_proxies() const { return trusted_proxies_; }
  [[nodiscard]] LoginDesk& login_desk() { return login_desk_; }
  [[nodiscard]] std::vector<std::unique_ptr<Endpoint>> const& endpoints() const { return endpoints_; }
  [[nodiscard]] Endpoint* find_endpoint(std::string_view name) const;
  [[nodiscard]] std::size_t shards() const { return scopes_.size(); }
  [[nodiscard]] ShardScope& scope(std::size_t index) const { return *scopes_[index]; }
  [[nodiscard]] Admission& admission() { return admission_; }
  [[nodiscard]] core::Budget& event_streams() { return event_streams_; }
  [[nodiscard]] core::Budget& body_budget() { return body_budget_; }
  [[nodiscard]] core::Budget& receive_budget() { return receive_budget_; }
  [[nodiscard]] core::Budget& parts_budget() { return parts_budget_; }
  [[nodiscard]] core::Budget& outboxes_budget() { return outboxes_budget_; }
  [[nodiscard]] core::Budget& regular_connections() { return regular_connections_; }
  [[nodiscard]] core::Budget& all_connections() { return all_connections_; }
  [[nodiscard]] std::chrono::system_clock::time_point started_at() const { return started_at_; }

  [[nodiscard]] ConnectionId next_connection_id() {
    return ConnectionId{next_connection_.fetch_add(1, std::memory_order_relaxed)};
  }
  /// A call ended: the drain may be waiting for it.
  void call_ended();
  /// So may it for services that were told to go.
  void service_left() { call_ended(); }

  void log(LogLevel level, std::string_view text) const;
  /// For exceptions that left a coroutine or a callback.
  void report(std::exception_ptr error, std::string_view where) const;

 private:
  /// A connection on its way to its shard.
  struct Arrival {
    net::LooseSocket socket;
    core::Permit permit;
    ConnectionShares shares;
    Standing standing = Standing::regular;
    ServerTls::Context tls;
  };

  void on_accept(net::LooseSocket socket, net::asio::ip::address const& peer, core::Permit permit) override;
  void on_full() override;
  void on_failure(net::error_code error) override;
  [[nodiscard]] async::Task<> serve_session(ShardScope& scope, Arrival arrival);
  void set_up(ShardScope& scope);
  void make_endpoints();
  void listen();
  void begin_end();
  [[nodiscard]] async::Task<> end_in_order();
  [[nodiscard]] async::Task<> pause(core::Duration duration);
  using Count = std::size_t (Endpoint::*)() const;
  /// Until the endpoints' counts are 0, or that time.
  [[nodiscard]] async::Task<> wait_until_none(Count count, core::TimePoint until);
  [[nodiscard]] async::Task<std::size_t> sum_of(Count count);
  [[nodiscard]] async::Task<> end_endpoint(Endpoint& endpoint);
  [[nodiscard]] async::Task<> end_sessions(ShardScope& scope);
  void part_ended();

  Config config_;
  async::Clock& clock_;
  Credentials const credentials_;
  ClientCertificates const client_certificates_;
  ServerTls tls_;
  TrustedProxies const trusted_proxies_;
  core::Budget parts_budget_, outboxes_budget_, receive_budget_, body_budget_;
  core::Budget regular_connections_, all_connections_, event_streams_;
  Admission admission_;
  std::chrono::system_clock::time_point started_at_;

  std::vector<BaseWebSocketHandler*> given_handlers_;
  std::vector<std::unique_ptr<BaseWebSocketHandler>> own_handlers_;
  std::vector<std::unique_ptr<ShardScope>> scopes_;
  LoginDesk login_desk_;  // behind the scopes: it answers to their shards
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unordered_map<std::string_view, Endpoint*> by_name_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::jthread> threads_;
  std::uint16_t port_ = 0;
  std::size_t next_shard_ = 0;
  std::atomic<std::uint64_t> next_connection_;

  // On shard 0.
  ServerTls::Context tls_now_;  ///< of connections that come now; null: none
  std::atomic<Phase> phase_{Phase::starting};
  std::atomic<bool> hurry_{false};
  bool ending_ = false;
  std::size_t parts_left_ = 0;
  core::Duration drain_wait_{};
  core::TimePoint grace_until_{};
  std::unique_ptr<async::TaskGroup> end_tasks_;
  std::unique_ptr<async::TaskGroup> listener_tasks_;
  std::unique_ptr<async::Signal> end_event_;
  std::unique_ptr<async::Deadline> end_deadline_;
};

}  // namespace reachback::gateway
