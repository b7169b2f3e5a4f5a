#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/routes.hpp"
#include "gateway/shared_message.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::gateway {

async::Task<> serve_message(Exchange& exchange) {
  Endpoint* const endpoint = exchange.endpoint();
  if (endpoint == nullptr) {
    co_await exchange.refuse(Problem::no_endpoint,
                             fmt::format("there is no endpoint '{}'", exchange.captures[0]));
    co_return;
  }
  if (endpoint->kind() == EndpointKind::reject) {
    co_await exchange.refuse(Problem::disabled, endpoint->reject_reason());
    co_return;
  }
  if (exchange.core.draining()) {
    co_await exchange.refuse(Problem::draining, "the gateway is shutting down");
    co_return;
  }
  auto const connection = read_connection(exchange.target);
  if (!connection) {
    co_await exchange.refuse(connection.error());
    co_return;
  }
  bool const binary =
      names_media_type(exchange.head().fields.get("Content-Type"), "application/octet-stream");
  auto body = co_await exchange.session.read_body();
  if (!body) {
    co_await exchange.refuse(body.error().problem, body.error().detail);
    co_return;
  }
  if (!binary && !proto::is_valid_utf8(body->view())) {
    co_await exchange.refuse(Problem::bad_message,
                             "a text message has to be UTF-8; send others as application/octet-stream");
    co_return;
  }
  auto const message = share_message(std::string(body->view()), exchange.core.outboxes_budget());
  if (message == nullptr) {
    co_await exchange.refuse(Problem::overloaded, "too much waits to be sent");
    co_return;
  }
  auto const kind = binary ? core::MessageKind::binary : core::MessageKind::text;
  auto send = [endpoint, kind, message, target = *connection] {
    return endpoint->publish(kind, message, target);
  };
  auto const count = co_await async::run_on(endpoint->shard(), std::move(send));
  if (!count) {
    co_await exchange.refuse(count.error());
    co_return;
  }
  std::string const dropped = count->dropped == 0 ? "" : fmt::format(",\"dropped\":{}", count->dropped);
  co_await exchange.respond_json(fmt::format("{{\"delivered\":{}{}}}\n", count->delivered, dropped));
}

}  // namespace reachback::gateway
