#include <fmt/chrono.h>
#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/routes.hpp"
#include "reachback/proto/json_scanner.hpp"

namespace reachback::gateway {
namespace {

/// Describing a connection costs about a microsecond.
constexpr std::size_t listed_in_turn = 256;

using proto::escape;
using proto::to_number;

std::string describe(Endpoint const& endpoint) {
  return fmt::format(R"("name":"{0}","kind":"{1}","path":"/{0}")", endpoint.name(),
                     to_string(endpoint.kind()));
}

std::string describe(ConnectionDetails const& details) {
  auto const& traffic = details.traffic;
  std::string text = fmt::format(
      R"({{"id":{},"remoteAddress":"{}","user":"{}","since":"{:%Y-%m-%dT%H:%M:%SZ}","pendingCalls":{},"messagesIn":{},)"
      R"("messagesOut":{},"bytesIn":{},"bytesOut":{},"outboxBytes":{},"roundTripMs":)",
      to_number(details.id), escape(details.remote_address), escape(details.user),
      fmt::gmtime(std::chrono::system_clock::to_time_t(details.since)), details.pending_calls,
      traffic.messages_in, traffic.messages_out, traffic.bytes_in, traffic.bytes_out, details.outbox_bytes);
  if (traffic.round_trip) {
    fmt::format_to(std::back_inserter(text), "{:.3f}}}",
                   std::chrono::duration<double, std::milli>(*traffic.round_trip).count());
  } else {
    text += "null}";
  }
  return text;
}

async::Task<std::size_t> close_on(Endpoint& endpoint, std::optional<ConnectionId> connection) {
  auto close = [&endpoint, connection] {
    return endpoint.close_connections(connection, proto::CloseCode::closed_by_operator,
                                      "closed by an operator");
  };
  std::size_t const closed = co_await async::run_on(endpoint.shard(), std::move(close));
  co_return closed;
}

async::Task<> answer_closed(Exchange& exchange, std::size_t closed) {
  std::string body = fmt::format("{{\"closed\":{}}}\n", closed);
  co_await exchange.respond_json(std::move(body));
}

/// The endpoint of the path, or null after a refusal.
async::Task<Endpoint*> named_endpoint(Exchange& exchange) {
  Endpoint* const endpoint = exchange.endpoint();
  if (endpoint == nullptr) {
    co_await exchange.refuse(Problem::no_endpoint,
                             fmt::format("there is no endpoint '{}'", exchange.captures[0]));
  }
  co_return endpoint;
}

}  // namespace

async::Task<> serve_endpoints(Exchange& exchange) {
  std::string list;
  for (auto const& endpoint : exchange.core.endpoints()) {
    if (!exchange.who->may(Action::watch, endpoint->name())) continue;
    auto read = [&endpoint = *endpoint] { return endpoint.figures(); };
    EndpointFigures const figures = co_await async::run_on(endpoint->shard(), std::move(read));
    fmt::format_to(std::back_inserter(list), R"({}{{{},"connections":{},"callsInFlight":{}}})",
                   list.empty() ? "" : ",", describe(*endpoint), figures.connections,
                   figures.calls_in_flight);
  }
  co_await exchange.respond_json(fmt::format("{{\"endpoints\":[{}]}}\n", list));
}

async::Task<> serve_endpoint(Exchange& exchange) {
  Endpoint* const endpoint = co_await named_endpoint(exchange);
  if (endpoint == nullptr) co_return;
  std::string list;
  std::optional<ConnectionId> after;
  for (;;) {
    auto read = [endpoint, after] { return endpoint->connections(after, listed_in_turn); };
    auto const page = co_await async::run_on(endpoint->shard(), std::move(read));
    for (auto const& connection : page) {
      if (!list.empty()) list += ',';
      list += describe(connection);
    }
    if (page.size() < listed_in_turn) break;
    after = page.back().id;
    co_await exchange.scope.shard.yield();
  }
  co_await exchange.respond_json(fmt::format("{{{},\"connections\":[{}]}}\n", describe(*endpoint), list));
}

async::Task<> serve_close_connection(Exchange& exchange) {
  Endpoint* const endpoint = co_await named_endpoint(exchange);
  if (endpoint == nullptr) co_return;
  auto const id = read_connection_id(exchange.captures.at(1));
  std::size_t closed = 0;
  if (id) closed = co_await close_on(*endpoint, id);
  if (closed == 0) {
    co_await exchange.refuse(Problem::no_connection, "that connection is not on this endpoint");
  } else {
    co_await answer_closed(exchange, closed);
  }
}

async::Task<> serve_close_connections(Exchange& exchange) {
  Endpoint* const endpoint = co_await named_endpoint(exchange);
  if (endpoint == nullptr) co_return;
  std::size_t const closed = co_await close_on(*endpoint, std::nullopt);
  co_await answer_closed(exchange, closed);
}

async::Task<> serve_close_all(Exchange& exchange) {
  std::size_t closed = 0;
  for (auto const& endpoint : exchange.core.endpoints()) {
    std::size_t const here = co_await close_on(*endpoint, std::nullopt);
    closed += here;
  }
  co_await answer_closed(exchange, closed);
}

}  // namespace reachback::gateway
