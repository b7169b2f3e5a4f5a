#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/routes.hpp"
#include "gateway/shared_message.hpp"
#include "gateway/subprotocol.hpp"
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
  proto::Utf8Checker utf8;
  net::HttpSession::BodyGrowth const check = [&](std::string_view body) { utf8.grow(body); };
  auto body = co_await exchange.session.read_body(SIZE_MAX, binary ? nullptr : &check);
  if (!body) {
    co_await exchange.refuse(body.error().problem, body.error().detail);
    co_return;
  }
  if (!binary && !utf8.complete(body->view())) {
    co_await exchange.refuse(Problem::bad_message,
                             "a text message has to be UTF-8; send others as application/octet-stream");
    co_return;
  }
  if (is_gateways_own(*endpoint, body->view())) {
    co_await exchange.refuse(Problem::bad_message, "only the gateway says that to a service");
    co_return;
  }
  auto const kind = binary ? core::MessageKind::binary : core::MessageKind::text;
  auto message = share_message(std::move(*body), kind, exchange.core.outboxes_budget());
  if (!message) {
    exchange.count(core::Bound::total_outbox_budget);
    co_await exchange.refuse(Problem::overloaded, "too much waits to be sent");
    co_return;
  }
  exchange.session.body_handed_on();
  auto send = [endpoint, kind, message = std::move(*message),
               target = *connection](auto const& reply) mutable {
    endpoint->publish({kind, std::move(message), target, reply});
  };
  auto const count = co_await async::call_on<Result<SendCount>>(endpoint->shard(), std::move(send));
  if (!count) {
    co_await exchange.refuse(count.error());
    co_return;
  }
  std::string const dropped = count->dropped == 0 ? "" : fmt::format(",\"dropped\":{}", count->dropped);
  co_await exchange.respond_json(fmt::format("{{\"delivered\":{}{}}}\n", count->delivered, dropped));
}

}  // namespace reachback::gateway
