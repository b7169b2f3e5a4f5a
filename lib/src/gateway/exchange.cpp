#include "gateway/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reachback::gateway {

net::HttpResponse problem_response(proto::ProblemDocument const& document, std::string_view challenge) {
  net::HttpResponse response;
  response.status = proto::http_status_of(document.problem);
  response.content_type = "application/problem+json";
  response.body = proto::to_json(document);
  if (response.status == 401) response.fields.add("WWW-Authenticate", challenge);
  if (response.status == 429 || response.status == 503) response.fields.add("Retry-After", "1");
  if (response.status == 426) {
    response.fields.add("Upgrade", "websocket");
    response.fields.add("Sec-WebSocket-Version", "13");
  }
  return response;
}

ClientView Exchange::client() const {
  auto client = core.trusted_proxies().client_of(session.remote_address(), head().fields);
  client.https = client.https || session.secured();
  return client;
}

async::Task<> Exchange::respond(net::HttpResponse response) {
  response.fields.add(cors.text());
  co_await session.respond(std::move(response));
}

async::Task<bool> Exchange::begin(net::HttpResponse response) {
  response.fields.add(cors.text());
  co_return co_await session.begin(std::move(response));
}

Credentials::Verdict Exchange::verify() {
  auto const now = std::chrono::system_clock::now();
  auto verdict = core.credentials().verify(head().fields, now, scope.jwts, last_token);
  auto const* const certificate = session.peer_certificate();
  if (verdict || certificate == nullptr || has_own_credential(head().fields)) return verdict;
  if (auto shown = core.client_certificates().identify(*certificate, now)) return *std::move(shown);
  return verdict;
}

std::optional<core::TimePoint> Exchange::end_of(Identity const& identity) const {
  if (!identity.expires) return std::nullopt;
  return scope.shard.now() + (*identity.expires - std::chrono::system_clock::now());
}

void Exchange::log(Refusal refusal) const {
  if (!refusal.has_token) return;
  core.log(LogLevel::debug, fmt::format("a token is refused, from {}: {}", client().shown, refusal.reason));
}

async::Task<> Exchange::refuse(Refusal refusal) {
  log(refusal);
  proto::ProblemDocument document;
  document.problem = Problem::unauthorized;
  document.detail = refusal.description;
  if (!captures.empty() && endpoint() != nullptr) document.endpoint = captures[0];
  std::string challenge = "Bearer";
  if (refusal.has_token)
    challenge += fmt::format(R"( error="invalid_token", error_description="{}")", refusal.description);
  net::HttpResponse response = problem_response(document, challenge);
  co_await respond(std::move(response));
}

async::Task<> Exchange::refuse(Problem problem, std::string detail) {
  Failure failure;
  failure.problem = problem;
  failure.detail = std::move(detail);
  co_await refuse(std::move(failure));
}

async::Task<> Exchange::refuse_address() {
  return refuse(Problem::too_many_connections, "the client's address has as many connections as it may have");
}

async::Task<std::optional<core::Permit>> Exchange::enter_behind_proxy() {
  ClientView named = client();
  auto share = co_await core.admission().enter_behind_proxy(std::move(named));
  if (!share) {
    count(core::Bound::address_connection_limit);
    co_await refuse_address();
  }
  co_return share;
}

async::Task<> Exchange::refuse(Failure failure, std::optional<CallId> call_id, std::string service_message) {
  // A caller that comes again is to find another replica, or room.
  if (failure.problem == Problem::draining || failure.problem == Problem::too_many_connections)
    session.drain();
  proto::ProblemDocument document;
  document.problem = failure.problem;
  document.detail = std::move(failure.detail);
  document.call_id = call_id;
  document.delivery = failure.delivery;
  document.service_message = std::move(service_message);
  if (!captures.empty() && endpoint() != nullptr) document.endpoint = captures[0];
  net::HttpResponse response = problem_response(document);
  co_await respond(std::move(response));
}

async::Task<> Exchange::respond_json(std::string body) {
  net::HttpResponse response;
  response.content_type = "application/json";
  response.body = std::move(body);
  co_await respond(std::move(response));
}

async::Task<> Exchange::respond_text(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  co_await respond(std::move(response));
}

bool names_media_type(std::string_view field, std::string_view type) {
  while (!field.empty()) {
    auto const comma = std::min(field.find(','), field.size());
    std::string_view range = field.substr(0, std::min(comma, field.find(';')));
    field.remove_prefix(std::min(comma + 1, field.size()));
    while (!range.empty() && (range.front() == ' ' || range.front() == '\t')) range.remove_prefix(1);
    while (!range.empty() && (range.back() == ' ' || range.back() == '\t')) range.remove_suffix(1);
    if (wire::equal_ignoring_case(range, type)) return true;
  }
  return false;
}

}  // namespace reachback::gateway
