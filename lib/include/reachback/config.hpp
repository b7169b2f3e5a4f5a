#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reachback/client_certificate.hpp"
#include "reachback/token.hpp"

namespace reachback {

enum class EndpointKind : std::uint8_t {
  service,    ///< connections answer requests (DataWebSocketHandler)
  broadcast,  ///< connections receive what is published and send what they like (BaseWebSocketHandler)
  reject,     ///< accepts the upgrade and closes with the configured reason (RejectWebSocketHandler)
};

[[nodiscard]] std::string_view to_string(EndpointKind kind);

struct EndpointConfig {
  std::string name;  ///< [A-Za-z0-9_.-]{1,64}; served at "/" + name
  EndpointKind kind = EndpointKind::service;
  std::string reject_reason;  ///< for `reject`, at most 123 bytes of UTF-8
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Why files that may change while the gateway runs are read again.
enum class ReloadReason : std::uint8_t {
  asked,  ///< by a person or a program, who wants to hear what came of it
  timer,  ///< only what is new is logged
};

/// Every setting of a gateway with its default. Sizes in bytes.
struct Config {
  std::string address = "0.0.0.0";
  std::uint16_t port = 8888;  ///< 0: one that is free, see `Gateway::port`
  unsigned threads = 1;       ///< shards; each carries some 30,000 calls per second
  bool test_mode = false;     ///< account test/test and token "test" are valid

  std::vector<EndpointConfig> endpoints = {{"wsData", EndpointKind::service, {}},
                                           {"wsSubject", EndpointKind::service, {}},
                                           {"wsUser", EndpointKind::broadcast, {}}};
  std::vector<TokenConfig> tokens;
  /// Whether a user has that password. Called on one thread of the gateway's own, one
  /// call at a time; may take long. Empty: there are no users, or in test mode test/test alone.
  std::function<bool(std::string_view user, std::string_view password)> check_password;
  /// Signs log-in cookies, at least 32 bytes: replicas with the same key take each other's. Empty: one is
  /// made at start.
  std::string cookie_key;
  /// JSON Web Tokens, signed with HS256, RS256 or ES256, as bearer tokens: `sub` is the user, `scope` says
  /// what it is good for, and what was opened with one ends with its `exp`.
  struct Jwt {
    std::string keys;      ///< a JWK Set (RFC 7517); empty: no JWT is good. See `Gateway::set_jwt_keys`
    std::string issuer;    ///< `iss` has to be this; empty: any
    std::string audience;  ///< `aud` has to be or to hold this; empty: it has to be absent
  } jwt;
  std::vector<std::string> allowed_origins;  ///< e.g. "https://lab.example"; besides the gateway's own
  /// Addresses and networks ("10.0.0.0/8") whose X-Forwarded-For and X-Forwarded-Proto count.
  std::vector<std::string> trusted_proxies;

  /// TLS of the gateway's own: its port then speaks nothing else.
  struct Tls {
    /// PEM files: the certificate with those that lead to its authority behind it, and its key, without a
    /// password. Both or none; none: no TLS.
    std::string certificate, key;
    std::string client_ca;         ///< PEM file; clients may show certificates of these authorities
    bool client_required = false;  ///< and must
  } tls;
  /// Those of clients that stand for a credential. A token or log-in of a request goes before.
  std::vector<ClientCertificateConfig> client_certificates;

  struct Limits {
    std::size_t connections = 0;          ///< 0: the limit of open files less 256, half of one up to 512
    std::size_t connection_reserve = 64;  ///< beyond it, answered for probes only
    /// Of one client address, for IPv6 of its network of 64 bits; 0: no limit of its own. TCP connections,
    /// but of trusted proxies, and for the clients that those name their WebSockets and event streams.
    std::size_t address_connections = 0;
    std::size_t endpoint_connections = 0;   ///< WebSockets of one endpoint; 0: no limit of its own
    std::size_t handshake_rate = 0;         ///< WebSockets opened per second, all together; 0: no limit
    std::size_t event_streams = 1000;       ///< open at once, of all endpoints
    std::size_t message = 16u << 20;        ///< received from a WebSocket, inclusive
    std::size_t request = 64u << 20;        ///< body of an HTTP request
    std::size_t head = 16u << 10;           ///< head of an HTTP request
    std::size_t part = 32u << 20;           ///< inflated payload of one part
    std::size_t calls = 100'000;            ///< pending, per endpoint
    std::size_t connection_calls = 0;       ///< the same, per connection; 0: as many as its endpoint may have
    std::size_t call_budget = 64u << 20;    ///< parts that one caller has not read yet
    std::size_t parts_budget = 512u << 20;  ///< the same, all callers together
    std::size_t outbox = 32u << 20;         ///< of one WebSocket
    std::size_t outboxes_budget = 512u << 20;  ///< all WebSockets together
    std::size_t receive_budget = 512u << 20;   ///< WebSocket messages being received
    std::size_t body_budget = 512u << 20;      ///< HTTP bodies being received
    std::size_t subscriber = 1u << 20;         ///< events that one subscriber has not read yet
    std::size_t logins = 128;                  ///< passwords that wait to be checked
  } limits;

  using Duration = std::chrono::milliseconds;
  struct Timeouts {
    Duration call = std::chrono::seconds(60);  ///< until each part, unless the caller says otherwise
    Duration longest_call = std::chrono::hours(1);
    Duration head = std::chrono::seconds(10);
    Duration body = std::chrono::seconds(30);   ///< without progress
    Duration write = std::chrono::seconds(30);  ///< without progress
    Duration idle = std::chrono::seconds(75);
    Duration ping = std::chrono::seconds(20);
    Duration silence = std::chrono::seconds(40);
    Duration close = std::chrono::seconds(2);
    Duration drain_wait = std::chrono::seconds(5);
    Duration drain_grace = std::chrono::seconds(20);
    Duration login_pause = std::chrono::seconds(10);  ///< from a failed log-in to the user's next try
    Duration unfetched = std::chrono::seconds(300);   ///< RequestHandler: an answer that nobody fetches
  } timeouts;

  /// Called on any shard's thread; must not block. No payload and no secret is ever in a text.
  std::function<void(LogLevel, std::string_view)> log;
};

/// Throws StartError with one line that names the setting when the configuration makes no sense, or a file of
/// `tls` cannot be used.
void check(Config const& config);
/// What is most likely wrong in a configuration that makes sense, a line each.
[[nodiscard]] std::vector<std::string> warnings(Config const& config);
void check(EndpointConfig const& endpoint);
void check(ClientCertificateConfig const& certificate);

}  // namespace reachback
