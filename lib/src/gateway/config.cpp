#include "reachback/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/client_certificates.hpp"
#include "gateway/jwt_keys.hpp"
#include "gateway/scopes.hpp"
#include "gateway/secrets.hpp"
#include "gateway/server_tls.hpp"
#include "gateway/trusted_proxies.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/close_code.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback {
namespace {

constexpr unsigned most_threads = 256;
constexpr std::size_t longest_name = 64;
constexpr std::size_t shortest_key = 32;

void require(bool holds, std::string const& otherwise) {
  if (!holds) throw StartError(otherwise);
}

void check_limits(Config::Limits const& limits) {
  std::pair<char const*, std::size_t> const positive[] = {{"message", limits.message},
                                                          {"request", limits.request},
                                                          {"head", limits.head},
                                                          {"part", limits.part},
                                                          {"calls", limits.calls},
                                                          {"call budget", limits.call_budget},
                                                          {"parts budget", limits.parts_budget},
                                                          {"outbox", limits.outbox},
                                                          {"outboxes budget", limits.outboxes_budget},
                                                          {"receive budget", limits.receive_budget},
                                                          {"body budget", limits.body_budget},
                                                          {"subscriber", limits.subscriber},
                                                          {"event stream", limits.event_streams},
                                                          {"log-in", limits.logins}};
  for (auto const& [name, value] : positive)
    require(value > 0, fmt::format("the {} limit has to be over 0", name));
}

void check_timeouts(Config::Timeouts const& timeouts) {
  std::pair<char const*, Config::Duration> const positive[] = {
      {"call", timeouts.call},       {"head", timeouts.head},  {"body", timeouts.body},
      {"write", timeouts.write},     {"idle", timeouts.idle},  {"ping", timeouts.ping},
      {"silence", timeouts.silence}, {"close", timeouts.close}};
  for (auto const& [name, value] : positive) {
    require(value > Config::Duration(0), fmt::format("the {} time has to be over 0", name));
  }
  require(timeouts.drain_wait >= Config::Duration(0) && timeouts.drain_grace >= Config::Duration(0),
          "the drain times cannot be negative");
  require(timeouts.login_pause >= Config::Duration(0), "the pause after a log-in cannot be negative");
  require(timeouts.call <= timeouts.longest_call,
          "the default time-out of calls is longer than the longest allowed");
}

void check(TokenConfig const& token) {
  require(!token.name.empty(), "a token has no name");
  auto const hash = gateway::from_hex(token.sha256);
  require(hash && hash->size() == 32, fmt::format("token '{}': sha256 is not 64 hex digits", token.name));
  auto const scopes = gateway::Scopes::read(token.scopes);
  require(scopes.has_value(),
          fmt::format("token '{}': {}", token.name, scopes.has_error() ? scopes.error().text : ""));
}

void check(Config::Jwt const& jwt) {
  require(!jwt.keys.empty() || (jwt.issuer.empty() && jwt.audience.empty()),
          "an issuer or audience of JWTs without keys for them");
  if (jwt.keys.empty()) return;
  auto const keys = gateway::JwtKeys::read(jwt.keys);
  require(keys.has_value(),
          fmt::format("the file of JWT keys {}", keys.has_error() ? keys.error().text : ""));
}

void check_client_certificates(Config const& config) {
  std::set<std::string> known;
  for (auto const& certificate : config.client_certificates) {
    check(certificate);
    auto const what = certificate.subject.empty() ? *gateway::read_fingerprint(certificate.sha256)
                                                  : "subject " + certificate.subject;
    require(known.insert(what).second,
            fmt::format("client certificate '{}' is there twice: which of them counts?", certificate.name));
  }
}

void check_tls(Config const& config) {
  auto const& tls = config.tls;
  require(tls.certificate.empty() == tls.key.empty(), "tls_certificate and tls_key belong together");
  require(tls.client_ca.empty() || !tls.certificate.empty(), "tls_client_ca needs tls_certificate");
  require(!tls.client_required || !tls.client_ca.empty(), "tls_client_required needs tls_client_ca");
  require(config.client_certificates.empty() || !tls.client_ca.empty(),
          "a client certificate needs tls_client_ca, which says whose are believed");
  if (!tls.certificate.empty()) static_cast<void>(gateway::load_server_tls(tls));
}

}  // namespace

std::string_view to_string(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::service:
      return "service";
    case EndpointKind::broadcast:
      return "broadcast";
    case EndpointKind::reject:
      break;
  }
  return "reject";
}

void check(EndpointConfig const& endpoint) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  bool const good_name = !endpoint.name.empty() && endpoint.name.size() <= longest_name &&
                         endpoint.name != "." && endpoint.name != ".." &&
                         endpoint.name.find_first_not_of(letters) == std::string::npos;
  require(good_name, fmt::format("endpoint '{}': a name has 1 to {} of the characters A-Z a-z 0-9 _ . -",
                                 endpoint.name, longest_name));
  static std::set<std::string_view> const taken{"v1",      "login",   "logout",  "livez",   "readyz",
                                                "healthz", "metrics", "version", "problems"};
  require(!taken.contains(endpoint.name),
          fmt::format("endpoint '{}': the gateway has a page there", endpoint.name));
  require(endpoint.reject_reason.size() <= proto::max_close_reason &&
              proto::is_valid_utf8(endpoint.reject_reason),
          fmt::format("endpoint '{}': a reject reason has at most {} bytes of UTF-8", endpoint.name,
                      proto::max_close_reason));
}

void check(ClientCertificateConfig const& certificate) {
  require(!certificate.name.empty(), "a client certificate has no name");
  auto const say = [&](std::string_view text) {
    return fmt::format("client certificate '{}': {}", certificate.name, text);
  };
  require(certificate.sha256.empty() != certificate.subject.empty(), say("it has either sha256 or subject"));
  require(certificate.sha256.empty() || gateway::read_fingerprint(certificate.sha256).has_value(),
          say("sha256 is not 64 hex digits"));
  auto const scopes = gateway::Scopes::read(certificate.scopes);
  require(scopes.has_value(), say(scopes.has_error() ? scopes.error().text : ""));
}

void check(Config const& config) {
  require(config.threads >= 1 && config.threads <= most_threads,
          fmt::format("threads: from 1 to {}", most_threads));
  std::set<std::string_view> names;
  for (auto const& endpoint : config.endpoints) {
    check(endpoint);
    require(names.insert(endpoint.name).second, fmt::format("endpoint '{}' is there twice", endpoint.name));
  }
  std::set<std::string> hashes;
  for (auto const& token : config.tokens) {
    check(token);
    require(hashes.insert(*gateway::from_hex(token.sha256)).second,
            fmt::format("token '{}' is there twice: which of them counts?", token.name));
  }
  require(config.cookie_key.empty() || config.cookie_key.size() >= shortest_key,
          fmt::format("the cookie key has at least {} bytes", shortest_key));
  check(config.jwt);
  auto const proxies = gateway::TrustedProxies::read(config.trusted_proxies);
  require(proxies.has_value(),
          fmt::format("trusted proxy {}", proxies.has_error() ? proxies.error().text : ""));
  check_limits(config.limits);
  check_timeouts(config.timeouts);
  check_client_certificates(config);
  check_tls(config);
}

std::vector<std::string> warnings(Config const& config) {
  if (config.tls.certificate.empty()) return {};
  auto const expires = gateway::load_server_tls(config.tls)->expires();
  auto warning = gateway::warning_about(config.tls.certificate, expires, std::chrono::system_clock::now());
  if (warning.empty()) return {};
  return {std::move(warning)};
}

}  // namespace reachback
