#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/event_stream.hpp"
#include "gateway/routes.hpp"

namespace reachback::gateway {
namespace {

async::Task<> subscribe(std::vector<Endpoint*> const& endpoints, std::shared_ptr<EventStream> stream) {
  for (Endpoint* const endpoint : endpoints) {
    auto subscription = [endpoint, stream] {
      endpoint->subscribe(stream);
      return true;
    };
    co_await async::run_on(endpoint->shard(), std::move(subscription));
  }
}

void unsubscribe(std::vector<Endpoint*> const& endpoints, std::shared_ptr<EventStream> const& stream) {
  for (Endpoint* const endpoint : endpoints) {
    endpoint->shard().dispatch([endpoint, stream] { endpoint->unsubscribe(stream.get()); });
  }
}

/// A comment as often as connections are pinged: it shows that the stream lives, to the caller and to
/// proxies.
class KeepAlive {
 public:
  KeepAlive(async::Shard& shard, core::Duration interval, std::shared_ptr<EventStream> stream)
      : interval_(interval), stream_(std::move(stream)), deadline_(shard, [this] { beat(); }) {
    deadline_.set_in(interval_);
  }

 private:
  void beat() {
    EventStream::publish(stream_, comment_);
    deadline_.set_in(interval_);
  }

  core::Duration const interval_;
  std::shared_ptr<EventStream> const stream_;
  std::shared_ptr<std::string const> const comment_ = std::make_shared<std::string const>(": still here\n\n");
  async::Deadline deadline_;
};

async::Task<> write_events(Exchange& exchange, EventStream& stream) {
  net::HttpResponse head;
  head.content_type = "text/event-stream";
  head.fields = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  bool written = co_await exchange.begin(std::move(head));
  if (exchange.head().method == "HEAD") co_return;
  if (written) written = co_await exchange.session.write(": connected\n\n");
  while (written) {
    auto const events = co_await stream.next();
    if (events.empty()) break;
    std::string text;
    for (auto const& event : events) text += *event;
    written = co_await exchange.session.write(text);
  }
  if (written) co_await exchange.session.finish();
}

async::Task<> stream_events(Exchange& exchange, std::vector<Endpoint*> endpoints) {
  if (exchange.core.draining()) {
    co_await exchange.refuse(Problem::draining, "the gateway is shutting down");
    co_return;
  }
  // Owned by this coroutine and by the endpoints' lists of subscribers.
  auto const stream =
      std::make_shared<EventStream>(exchange.scope.shard, exchange.core.config().limits.subscriber);
  co_await subscribe(endpoints, stream);
  exchange.session.on_hang_up([stream] { stream->stop(); });
  KeepAlive const keep_alive(exchange.scope.shard, exchange.core.config().timeouts.ping, stream);
  std::exception_ptr failure;
  try {
    co_await write_events(exchange, *stream);
  } catch (...) {
    failure = std::current_exception();
  }
  unsubscribe(endpoints, stream);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

async::Task<> serve_endpoint_events(Exchange& exchange) {
  Endpoint* const endpoint = exchange.endpoint();
  if (endpoint == nullptr) {
    co_await exchange.refuse(Problem::no_endpoint,
                             fmt::format("there is no endpoint '{}'", exchange.captures[0]));
    co_return;
  }
  std::vector<Endpoint*> one{endpoint};
  co_await stream_events(exchange, std::move(one));
}

async::Task<> serve_all_events(Exchange& exchange) {
  std::vector<Endpoint*> all;
  for (auto const& endpoint : exchange.core.endpoints()) all.push_back(endpoint.get());
  co_await stream_events(exchange, std::move(all));
}

}  // namespace reachback::gateway
