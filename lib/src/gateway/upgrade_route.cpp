#include <fmt/format.h>

#include "gateway/routes.hpp"
#include "gateway/subprotocol.hpp"

namespace reachback::gateway {
namespace {

/// For connections that are turned away: nothing that they send counts.
class DeafSink final : public net::ConnectionSink {
 public:
  void on_message(net::WebSocketConnection&, core::MessageKind, core::Buffer) override {}
  void on_leave(net::WebSocketConnection&) override {}
};

/// Why an upgrade request is none (RFC 6455, 4.2.1); empty when it is fine.
std::string fault_of(wire::HttpRequestHead const& head) {
  if (head.method != "GET" || head.version != 11) return "a WebSocket begins with GET and HTTP/1.1";
  auto const keys = head.fields.all("Sec-WebSocket-Key");
  if (keys.size() != 1 || keys[0].size() != 24 || !keys[0].ends_with("==")) {
    return "Sec-WebSocket-Key is missing or malformed";
  }
  return {};
}

/// Accepts the upgrade, says why it cannot stay, and closes.
async::Task<> turn_away(Exchange& exchange, std::string message, proto::CloseCode code, std::string reason,
                        core::Pacing pacing) {
  wire::HttpRequestHead const head = exchange.head();
  auto taken = co_await exchange.session.take();
  DeafSink sink;
  net::WebSocketConnection connection(exchange.scope.shard,
                                      std::move(taken.stream).attach(exchange.scope.shard),
                                      exchange.core.next_connection_id(), exchange.scope.websockets, sink);
  std::string fault;
  auto const subprotocol = subprotocol_of(pacing);
  if (!connection.accept(head, exchange.core.config().limits.message, fault, subprotocol)) co_return;
  if (!message.empty()) {
    core::OutMessage out;
    out.body = core::Buffer(message);
    connection.send(std::move(out));
  }
  connection.close(code, reason);
  co_await connection.run(std::move(taken.input));
}

async::Task<> refuse(Exchange& exchange, int status, std::string reason, core::Pacing pacing) {
  auto message = proto::error_message("error", status, reason);
  co_await turn_away(exchange, std::move(message), proto::CloseCode::policy, std::move(reason), pacing);
}

/// What joining the endpoint takes; on a broadcast endpoint the scope `send` alone does as well.
std::string scope_to_join(Endpoint const& endpoint) {
  auto const action = endpoint.kind() == EndpointKind::service ? Action::serve : Action::watch;
  return scope_of(action, endpoint.name());
}

/// Nothing when it may not join.
std::optional<ConnectionRights> rights_of(Identity const& who, Endpoint const& endpoint) {
  auto const may = [&](Action action) { return who.may(action, endpoint.name()); };
  if (endpoint.kind() == EndpointKind::service)
    return may(Action::serve) ? std::optional(ConnectionRights()) : std::nullopt;
  ConnectionRights const rights{may(Action::watch), may(Action::send)};
  return rights.receive || rights.send ? std::optional(rights) : std::nullopt;
}

/// Of those that may join: nobody else can use the rate up. False when it was refused.
async::Task<bool> is_in_time(Exchange& exchange) {
  bool const in_time = co_await exchange.core.admission().handshake();
  if (in_time) co_return true;
  exchange.count(core::Bound::handshake_rate);
  co_await exchange.refuse(Problem::overloaded, "too many WebSockets open in this second");
  co_return false;
}

}  // namespace

async::Task<> serve_upgrade(Exchange& exchange, Endpoint& endpoint) {
  auto const& head = exchange.head();
  if (std::string fault = fault_of(head); !fault.empty()) {
    co_await exchange.refuse(Problem::bad_request, std::move(fault));
    co_return;
  }
  auto const versions = head.fields.all("Sec-WebSocket-Version");
  if (versions.size() != 1 || versions[0] != "13") {
    co_await exchange.refuse(Problem::upgrade_required, "Sec-WebSocket-Version has to be 13");
    co_return;
  }
  if (exchange.core.draining()) {
    co_await exchange.refuse(Problem::draining, "the gateway is shutting down");
    co_return;
  }
  auto behind_proxy = co_await exchange.enter_behind_proxy();
  if (!behind_proxy) co_return;
  if (endpoint.kind() == EndpointKind::reject) {
    std::string nothing;
    co_await turn_away(exchange, std::move(nothing), proto::CloseCode::policy, endpoint.reject_reason(),
                       core::Pacing::none);
    co_return;
  }
  auto const pacing = asked_pacing(head.fields, endpoint.kind());
  auto who = exchange.verify();
  if (!who) {
    exchange.log(who.error());
    co_await refuse(exchange, 401, "Websocket authentication failed", pacing);
    co_return;
  }
  auto const rights = rights_of(*who, endpoint);
  if (!rights) {
    co_await refuse(exchange, 403, fmt::format("the token lacks the scope {}", scope_to_join(endpoint)),
                    pacing);
    co_return;
  }
  bool const in_time = co_await is_in_time(exchange);
  if (!in_time) co_return;
  auto place = endpoint.reserve_connection();
  if (!place) {
    exchange.count(core::Bound::endpoint_connection_limit);
    co_await exchange.refuse(Problem::overloaded, "this endpoint has as many connections as it may have");
    co_return;
  }
  if (behind_proxy->amount() != 0) exchange.shares.address = std::move(*behind_proxy);
  exchange.shares.endpoint = std::move(*place);
  std::string client = exchange.client().shown;
  wire::HttpRequestHead request = head;
  auto taken = co_await exchange.session.take();
  Upgrade upgrade{std::move(taken),           std::move(request),
                  std::move(who->user),       std::move(client),
                  exchange.end_of(*who),      *rights,
                  std::move(exchange.shares), pacing};
  endpoint.shard().dispatch(
      [&endpoint, upgrade = std::move(upgrade)]() mutable { endpoint.admit(std::move(upgrade)); });
}

}  // namespace reachback::gateway
