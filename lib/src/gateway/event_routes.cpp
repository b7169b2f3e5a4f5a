#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/event_stream.hpp"
#include "gateway/routes.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/proto/json_text.hpp"
#include "reachback/proto/utf8.hpp"

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
  std::shared_ptr<Event const> const comment_ =
      std::make_shared<Event const>(Event{": still here\n\n", {}, {}});
  async::Deadline deadline_;
};

/// Ends a stream, with a comment that says why, when the credential that it was asked for with
/// has expired.
class StreamEnd {
 public:
  StreamEnd(async::Shard& shard, core::TimePoint when, std::shared_ptr<EventStream> stream)
      : stream_(std::move(stream)), deadline_(shard, [this] { expire(); }) {
    deadline_.set(when);
  }

 private:
  void expire() {
    stream_->stop(std::make_shared<Event const>(Event{": the credential has expired\n\n", {}, {}}));
  }

  std::shared_ptr<EventStream> const stream_;
  async::Deadline deadline_;
};

/// Puts events into their form, a slice of a message at a time. False when the subscriber is gone.
class EventWriter {
 public:
  explicit EventWriter(Exchange& exchange) : exchange_(exchange) {}

  [[nodiscard]] async::Task<bool> write(Event const& event) {
    out_ += event.text;
    bool written = true;
    if (event.message) {
      bool const is_text = event.kind == core::MessageKind::text;
      out_ += is_text ? ",\"text\":\"" : ",\"base64\":\"";
      for (auto rest = event.message->view(); written && !rest.empty();) {
        auto const slice =
            is_text ? proto::cut_between_characters(rest, slice_size) : rest.substr(0, slice_size);
        if (is_text) {
          out_ += proto::escape(slice);
        } else {
          encoder_.update(slice, out_);
        }
        rest.remove_prefix(slice.size());
        if (out_.size() < slice_size) continue;
        co_await exchange_.scope.shard.yield();
        written = co_await flush();
      }
      if (!is_text) encoder_.finish(out_);
      out_ += "\"}\n\n";
    }
    co_return written;
  }

  [[nodiscard]] async::Task<bool> flush() {
    bool const written = co_await exchange_.session.write(out_);
    out_.clear();
    co_return written;
  }

 private:
  /// A multiple of three, so that base64 has no padding between slices.
  static constexpr std::size_t slice_size = 24 * 1024;

  Exchange& exchange_;
  std::string out_;
  proto::Base64Encoder encoder_;
};

async::Task<> write_events(Exchange& exchange, EventStream& stream) {
  net::HttpResponse head;
  head.content_type = "text/event-stream";
  head.fields.add("Cache-Control", "no-store");
  head.fields.add("X-Accel-Buffering", "no");
  bool written = co_await exchange.begin(std::move(head));
  if (exchange.head().method == "HEAD") co_return;
  if (written) written = co_await exchange.session.write(": connected\n\n");
  EventWriter writer(exchange);
  while (written) {
    auto const events = co_await stream.next();
    if (events.empty()) break;
    for (auto const& event : events) {
      if (written) written = co_await writer.write(*event);
    }
    if (written) written = co_await writer.flush();
  }
  if (written) co_await exchange.session.finish();
}

/// Given back when the stream ends.
struct StreamShares {
  core::Permit total;
  core::Permit address;  ///< of a client behind a proxy
};

/// False when it was refused.
async::Task<bool> let_in(Exchange& exchange, StreamShares& shares) {
  auto address = co_await exchange.enter_behind_proxy();
  if (!address) co_return false;
  shares.address = std::move(*address);
  auto total = exchange.core.event_streams().acquire(1);
  if (!total) {
    exchange.count(core::Bound::event_stream_limit);
    co_await exchange.refuse(Problem::overloaded, "as many event streams are open as may be");
    co_return false;
  }
  shares.total = std::move(*total);
  co_return true;
}

async::Task<> stream_events(Exchange& exchange, std::vector<Endpoint*> endpoints) {
  if (exchange.core.draining()) {
    co_await exchange.refuse(Problem::draining, "the gateway is shutting down");
    co_return;
  }
  StreamShares shares;
  bool const is_let_in = co_await let_in(exchange, shares);
  if (!is_let_in) co_return;
  // Owned by this coroutine and by the endpoints' lists of subscribers.
  auto const stream =
      std::make_shared<EventStream>(exchange.scope.shard, exchange.core.config().limits.subscriber);
  co_await subscribe(endpoints, stream);
  exchange.session.on_hang_up([stream] { stream->stop(); });
  KeepAlive const keep_alive(exchange.scope.shard, exchange.core.config().timeouts.ping, stream);
  std::optional<StreamEnd> token_end;
  if (auto const end = exchange.end_of(*exchange.who)) token_end.emplace(exchange.scope.shard, *end, stream);
  std::exception_ptr failure;
  try {
    co_await write_events(exchange, *stream);
  } catch (...) {
    failure = std::current_exception();
  }
  unsubscribe(endpoints, stream);
  if (stream->cut_off()) exchange.count(core::Bound::subscriber_limit);
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
  for (auto const& endpoint : exchange.core.endpoints()) {
    if (exchange.who->may(Action::watch, endpoint->name())) all.push_back(endpoint.get());
  }
  co_await stream_events(exchange, std::move(all));
}

}  // namespace reachback::gateway
