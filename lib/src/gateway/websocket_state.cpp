#include "reachback/websocket_state.hpp"

#include <fmt/format.h>

#include <atomic>
#include <memory>

#include "gateway/ask.hpp"
#include "gateway/core.hpp"
#include "gateway/shared_message.hpp"
#include "gateway/subprotocol.hpp"

namespace reachback {
namespace {

/// Listing an id costs some nanoseconds.
constexpr std::size_t listed_in_turn = 4096;

template <class T>
std::future<T> ready(T value) {
  std::promise<T> promise;
  promise.set_value(std::move(value));
  return promise.get_future();
}

Failure no_endpoint(std::string_view name) {
  return {Problem::no_endpoint, fmt::format("there is no endpoint '{}'", name), Delivery::not_sent};
}

Failure gone() { return {Problem::draining, "the gateway has ended", Delivery::not_sent}; }

/// Adds up what every endpoint says; who answers last fulfils the promise.
struct Sum {
  std::promise<std::size_t> promise;
  std::atomic<std::size_t> total{0};
  std::atomic<std::size_t> left{0};
};

}  // namespace

std::vector<std::string> WebSocketState::endpoints() const {
  std::vector<std::string> names;
  for (auto const& endpoint : core_.endpoints()) names.push_back(endpoint->name());
  return names;
}

Result<std::vector<ConnectionId>> WebSocketState::connections(std::string const& name) const {
  auto* const endpoint = core_.find_endpoint(name);
  if (endpoint == nullptr) return no_endpoint(name);
  std::vector<ConnectionId> ids;
  try {
    for (std::size_t last_page = listed_in_turn; last_page == listed_in_turn;) {
      auto const after = ids.empty() ? std::nullopt : std::optional(ids.back());
      auto read = [endpoint, after] { return endpoint->connection_ids(after, listed_in_turn); };
      auto const page = gateway::ask(endpoint->shard(), std::move(read)).get();
      ids.insert(ids.end(), page.begin(), page.end());
      last_page = page.size();
    }
  } catch (std::future_error const&) {
    return gone();
  }
  return ids;
}

std::future<Result<SendCount>> WebSocketState::async_send_websocket_message(
    std::string const& name, std::string_view message, std::optional<ConnectionId> connection) {
  using Sent = Result<SendCount>;
  auto* const endpoint = core_.find_endpoint(name);
  if (endpoint == nullptr) return ready<Sent>(no_endpoint(name));
  if (endpoint->kind() == EndpointKind::reject) {
    return ready<Sent>(Failure{Problem::disabled, endpoint->reject_reason(), Delivery::not_sent});
  }
  if (gateway::is_gateways_own(*endpoint, message)) {
    return ready<Sent>(
        Failure{Problem::bad_message, "only the gateway says that to a service", Delivery::not_sent});
  }
  auto shared =
      gateway::share_message(core::Buffer(message), core::MessageKind::text, core_.outboxes_budget());
  if (!shared) {
    endpoint->shard().post([endpoint] { endpoint->count(core::Bound::total_outbox_budget); });
    return ready<Sent>(Failure{Problem::overloaded, "too much waits to be sent", Delivery::not_sent});
  }
  // Shared because a std::function has to be copyable; owned by the publication alone.
  auto const promise = std::make_shared<std::promise<Sent>>();
  auto future = promise->get_future();
  gateway::Publication publication{core::MessageKind::text, std::move(*shared), connection,
                                   [promise](Sent sent) { promise->set_value(std::move(sent)); }};
  endpoint->shard().post([endpoint, publication = std::move(publication)]() mutable {
    endpoint->publish(std::move(publication));
  });
  return future;
}

Result<SendCount> WebSocketState::send_websocket_message(std::string const& name, std::string_view message,
                                                         std::optional<ConnectionId> connection) {
  try {
    return async_send_websocket_message(name, message, connection).get();
  } catch (std::future_error const&) {
    return gone();
  }
}

std::future<std::size_t> WebSocketState::async_close_all_connections() {
  // Owned by the endpoints' shards until the last one has answered.
  auto const sum = std::make_shared<Sum>();
  auto future = sum->promise.get_future();
  sum->left = core_.endpoints().size();
  if (sum->left == 0) sum->promise.set_value(0);
  for (auto const& endpoint : core_.endpoints()) {
    endpoint->shard().post([sum, &endpoint = *endpoint] {
      sum->total += endpoint.close_connections(std::nullopt, proto::CloseCode::closed_by_operator,
                                               "closed by an operator");
      if (--sum->left == 0) sum->promise.set_value(sum->total);
    });
  }
  return future;
}

std::size_t WebSocketState::close_all_connections() {
  try {
    return async_close_all_connections().get();
  } catch (std::future_error const&) {
    return 0;
  }
}

}  // namespace reachback
