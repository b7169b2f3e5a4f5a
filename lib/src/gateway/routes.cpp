#include "gateway/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "gateway/origin.hpp"

namespace reachback::gateway {
namespace {

enum class Needs : std::uint8_t { nothing, credential };

using Handler = async::Task<> (*)(Exchange&);

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< a star stands for one segment
  Needs needs;
  Handler handler;
};

constexpr std::array routes{
    Route{"POST", "/v1/endpoints/*/requests", Needs::credential, &serve_call},
    Route{"POST", "/v1/endpoints/*/messages", Needs::credential, &serve_message},
    Route{"GET", "/v1/endpoints/*/events", Needs::credential, &serve_endpoint_events},
    Route{"GET", "/v1/events", Needs::credential, &serve_all_events},
    Route{"GET", "/v1/endpoints", Needs::credential, &serve_endpoints},
    Route{"GET", "/v1/endpoints/*", Needs::credential, &serve_endpoint},
    Route{"DELETE", "/v1/endpoints/*/connections/*", Needs::credential, &serve_close_connection},
    Route{"DELETE", "/v1/endpoints/*/connections", Needs::credential, &serve_close_connections},
    Route{"DELETE", "/v1/connections", Needs::credential, &serve_close_all},
    Route{"GET", "/livez", Needs::nothing, &serve_live},
    Route{"GET", "/healthz", Needs::nothing, &serve_live},
    Route{"GET", "/readyz", Needs::nothing, &serve_ready},
    Route{"GET", "/version", Needs::nothing, &serve_version},
    Route{"GET", "/metrics", Needs::nothing, &serve_metrics},
    Route{"GET", "/problems/*", Needs::nothing, &serve_problem_page},
    Route{"GET", "/login", Needs::nothing, &serve_login_page},
    Route{"POST", "/login", Needs::nothing, &serve_login},
    Route{"GET", "/logout", Needs::nothing, &serve_logout},
    Route{"GET", "/", Needs::nothing, &serve_home},
};

/// What the stars stand for; nothing when the path is not of that pattern.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              std::span<std::string const> segments) {
  std::vector<std::string> captures;
  pattern.remove_prefix(1);
  for (; !pattern.empty() && !segments.empty(); segments = segments.subspan(1)) {
    auto const end = std::min(pattern.find('/'), pattern.size());
    std::string_view const wanted = pattern.substr(0, end);
    if (wanted == "*") {
      captures.push_back(segments.front());
    } else if (wanted != segments.front()) {
      return std::nullopt;
    }
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  if (!pattern.empty() || !segments.empty()) return std::nullopt;
  return captures;
}

bool serves(Route const& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

struct Found {
  Route const* route = nullptr;  ///< for the method
  std::string allowed;           ///< every method of the path
};

Found find_route(Exchange& exchange) {
  Found found;
  for (Route const& route : routes) {
    auto captures = match(route.pattern, exchange.target.segments);
    if (!captures) continue;
    exchange.captures = std::move(*captures);
    found.allowed += fmt::format("{}{}", found.allowed.empty() ? "" : ", ", route.method);
    if (route.method == "GET") found.allowed += ", HEAD";
    if (serves(route, exchange.head().method)) found.route = &route;
  }
  return found;
}

bool changes_state(wire::HttpRequestHead const& head) {
  return head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
}

async::Task<> answer_options(Exchange& exchange, std::string allowed) {
  net::HttpResponse response;
  response.status = 204;
  if (!exchange.cors.empty()) {
    response.fields.emplace_back("Access-Control-Allow-Methods", allowed);
    response.fields.emplace_back("Access-Control-Allow-Headers",
                                 "Authorization, Content-Type, Accept, Prefer");
    response.fields.emplace_back("Access-Control-Max-Age", "600");
  }
  response.fields.emplace_back("Allow", std::move(allowed));
  co_await exchange.respond(std::move(response));
}

async::Task<> refuse_method(Exchange& exchange, std::string allowed) {
  proto::ProblemDocument document;
  document.problem = Problem::method_not_allowed;
  document.detail = fmt::format("this path serves {}", allowed);
  net::HttpResponse response = problem_response(document);
  response.fields.emplace_back("Allow", std::move(allowed));
  co_await exchange.respond(std::move(response));
}

/// The endpoint that lives at this path, or null.
Endpoint* endpoint_at(Exchange const& exchange) {
  auto const& segments = exchange.target.segments;
  return segments.size() == 1 ? exchange.core.find_endpoint(segments[0]) : nullptr;
}

async::Task<> serve_elsewhere(Exchange& exchange) {
  Endpoint* const endpoint = endpoint_at(exchange);
  if (endpoint == nullptr) {
    co_await exchange.refuse(Problem::not_found, fmt::format("nothing is at {}", exchange.target.path));
  } else if (exchange.head().websocket_upgrade) {
    co_await serve_upgrade(exchange, *endpoint);
  } else {
    co_await exchange.refuse(Problem::upgrade_required,
                             fmt::format("{} is a WebSocket; callers use /v1/endpoints/{}/requests",
                                         exchange.target.path, endpoint->name()));
  }
}

}  // namespace

bool is_probe(RequestTarget const& target) {
  if (target.segments.size() != 1) return false;
  std::string_view const name = target.segments[0];
  return name == "livez" || name == "readyz" || name == "healthz" || name == "metrics" || name == "version";
}

async::Task<> route(Exchange& exchange) {
  auto const& head = exchange.head();
  auto const& allowed_origins = exchange.core.config().allowed_origins;
  if ((changes_state(head) || head.websocket_upgrade) && comes_from_elsewhere(head.fields, allowed_origins)) {
    co_await exchange.refuse(Problem::forbidden, "the request comes from a page of another origin");
    co_return;
  }
  exchange.cors = cors_fields(head.fields, allowed_origins);
  Found found = find_route(exchange);
  if (found.allowed.empty()) {
    co_await serve_elsewhere(exchange);
  } else if (head.method == "OPTIONS") {
    co_await answer_options(exchange, found.allowed + ", OPTIONS");
  } else if (found.route == nullptr) {
    co_await refuse_method(exchange, std::move(found.allowed));
  } else {
    exchange.who = exchange.core.credentials().verify(head.fields, std::chrono::system_clock::now());
    if (found.route->needs == Needs::credential && !exchange.who) {
      co_await exchange.refuse(Problem::unauthorized, "log in, or send a bearer token");
    } else {
      co_await found.route->handler(exchange);
    }
  }
}

}  // namespace reachback::gateway
