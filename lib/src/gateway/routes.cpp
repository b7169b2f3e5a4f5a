#include "gateway/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "gateway/origin.hpp"

namespace reachback::gateway {

/// What a request must show: `any` is a valid credential, and the handler shows what that may see.
enum class Needs : std::uint8_t {
  nothing,  ///< nobody is asked who they are: a signature check costs
  welcome,  ///< nothing, but whoever shows a credential is known
  any,
  call,
  send,
  watch,
  admin
};

using Handler = async::Task<> (*)(Exchange&);

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< a star stands for one segment, the first for the endpoint
  Needs needs;
  Handler handler;
};

namespace {

constexpr std::array routes{
    Route{"POST", "/v1/endpoints/*/requests", Needs::call, &serve_call},
    Route{"POST", "/v1/endpoints/*/messages", Needs::send, &serve_message},
    Route{"GET", "/v1/endpoints/*/events", Needs::watch, &serve_endpoint_events},
    Route{"GET", "/v1/events", Needs::any, &serve_all_events},
    Route{"GET", "/v1/endpoints", Needs::any, &serve_endpoints},
    Route{"GET", "/v1/endpoints/*", Needs::watch, &serve_endpoint},
    Route{"DELETE", "/v1/endpoints/*/connections/*", Needs::admin, &serve_close_connection},
    Route{"DELETE", "/v1/endpoints/*/connections", Needs::admin, &serve_close_connections},
    Route{"DELETE", "/v1/connections", Needs::admin, &serve_close_all},
    Route{"GET", "/livez", Needs::nothing, &serve_live},
    Route{"GET", "/healthz", Needs::nothing, &serve_live},
    Route{"GET", "/readyz", Needs::nothing, &serve_ready},
    Route{"GET", "/version", Needs::nothing, &serve_version},
    Route{"GET", "/metrics", Needs::nothing, &serve_metrics},
    Route{"GET", "/problems/*", Needs::nothing, &serve_problem_page},
    Route{"GET", "/login", Needs::nothing, &serve_login_page},
    Route{"POST", "/login", Needs::nothing, &serve_login},
    Route{"GET", "/logout", Needs::nothing, &serve_logout},
    Route{"GET", "/", Needs::welcome, &serve_home},
};

/// Calls `star` with what each star stands for. False when the path is not of that pattern.
template <class Star>
bool match(std::string_view pattern, std::span<std::string const> segments, Star star) {
  pattern.remove_prefix(1);
  for (; !pattern.empty() && !segments.empty(); segments = segments.subspan(1)) {
    auto const end = std::min(pattern.find('/'), pattern.size());
    std::string_view const wanted = pattern.substr(0, end);
    if (wanted == "*") {
      star(segments.front());
    } else if (wanted != segments.front()) {
      return false;
    }
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return pattern.empty() && segments.empty();
}

bool is_at(Route const& route, RequestTarget const& target) {
  return match(route.pattern, target.segments, [](std::string const&) {});
}

bool serves(Route const& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

/// The route of the request's path and method, or null.
Route const* find_route(Exchange& exchange) {
  auto const& method = exchange.head().method;
  auto const found = std::ranges::find_if(
      routes, [&](Route const& route) { return serves(route, method) && is_at(route, exchange.target); });
  if (found == routes.end()) return nullptr;
  match(found->pattern, exchange.target.segments,
        [&](std::string const& segment) { exchange.captures.push_back(segment); });
  return &*found;
}

/// Every method of the path; empty when nothing is there.
std::string methods_of(RequestTarget const& target) {
  if (target.path == "*") return "GET, HEAD, POST, DELETE";
  std::string methods;
  for (Route const& route : routes) {
    if (!is_at(route, target)) continue;
    methods += fmt::format("{}{}", methods.empty() ? "" : ", ", route.method);
    if (route.method == "GET") methods += ", HEAD";
  }
  return methods;
}

std::optional<Action> action_of(Needs needs) {
  switch (needs) {
    case Needs::call:
      return Action::call;
    case Needs::send:
      return Action::send;
    case Needs::watch:
      return Action::watch;
    case Needs::admin:
      return Action::admin;
    case Needs::nothing:
    case Needs::welcome:
    case Needs::any:
      break;
  }
  return std::nullopt;
}

async::Task<> refuse_scope(Exchange& exchange, Action action, std::string_view endpoint) {
  return exchange.refuse(Problem::forbidden,
                         fmt::format("the token lacks the scope {}", scope_of(action, endpoint)));
}

async::Task<> serve_route(Exchange& exchange) {
  auto const needs = exchange.route->needs;
  if (needs == Needs::nothing) return exchange.route->handler(exchange);
  if (!exchange.who || !exchange.has_token || exchange.who->expires) {
    auto verdict = exchange.verify();
    exchange.who = verdict ? std::optional(*std::move(verdict)) : std::nullopt;
    if (!exchange.who && needs != Needs::welcome) return exchange.refuse(verdict.error());
  }
  if (auto const action = action_of(needs)) {
    auto const endpoint =
        exchange.captures.empty() ? std::string_view() : std::string_view(exchange.captures[0]);
    if (!exchange.who->may(*action, endpoint)) return refuse_scope(exchange, *action, endpoint);
  }
  return exchange.route->handler(exchange);
}

bool changes_state(wire::HttpRequestHead const& head) {
  return head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
}

async::Task<> answer_options(Exchange& exchange, std::string allowed) {
  net::HttpResponse response;
  response.status = 204;
  if (!exchange.cors.empty()) {
    response.fields.add("Access-Control-Allow-Methods", allowed);
    response.fields.add("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Prefer");
    response.fields.add("Access-Control-Max-Age", "600");
  }
  response.fields.add("Allow", allowed);
  co_await exchange.respond(std::move(response));
}

async::Task<> refuse_method(Exchange& exchange, std::string allowed) {
  proto::ProblemDocument document;
  document.problem = Problem::method_not_allowed;
  document.detail = fmt::format("this path serves {}", allowed);
  net::HttpResponse response = problem_response(document);
  response.fields.add("Allow", allowed);
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

void plan(Exchange& exchange) {
  auto const& head = exchange.head();
  auto target = read_target(head.target);
  if (!target) return;
  exchange.target = std::move(*target);
  auto const& allowed_origins = exchange.core.config().allowed_origins;
  exchange.from_elsewhere =
      (changes_state(head) || head.websocket_upgrade) && comes_from_elsewhere(head.fields, allowed_origins);
  exchange.has_token = !head.fields.get("Authorization").empty();
  exchange.cors = cors_fields(head.fields, allowed_origins);
  exchange.route = find_route(exchange);
  if (!exchange.captures.empty()) exchange.named_endpoint = exchange.core.find_endpoint(exchange.captures[0]);
}

// No coroutine, and so are those that it calls on the way to a handler: each would cost a call a twentieth.
async::Task<> route(Exchange& exchange) {
  if (exchange.from_elsewhere) {
    return exchange.refuse(Problem::forbidden, "the request comes from a page of another origin");
  }
  if (exchange.route != nullptr) return serve_route(exchange);
  std::string methods = methods_of(exchange.target);
  if (methods.empty()) return serve_elsewhere(exchange);
  if (exchange.head().method == "OPTIONS") {
    methods += ", OPTIONS";
    return answer_options(exchange, std::move(methods));
  }
  return refuse_method(exchange, std::move(methods));
}

}  // namespace reachback::gateway
