#include "gateway/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "async/turn.hpp"
#include "gateway/core.hpp"
#include "gateway/endpoint_member.hpp"
#include "gateway/subprotocol.hpp"

namespace reachback::gateway {
namespace {

using proto::to_number;

constexpr std::size_t closing_batch = 64;
/// What a turn of the loop queues is sent, as a rule, before the next: so few that they are still in the
/// processor's cache.
constexpr std::size_t deliveries_per_turn = 64;

/// "Unique in the process, rising per endpoint": one counter for all endpoints, started at the time in
/// microseconds, so that a late answer from before a restart matches nothing. It stays below 2^53 until the
/// year 2255.
CallId next_call_id() {
  static std::atomic<std::uint64_t> next{
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count())};
  return CallId{next.fetch_add(1, std::memory_order_relaxed)};
}

}  // namespace

Endpoint::Endpoint(Core& core, async::Shard& shard, std::size_t index, EndpointConfig config,
                   BaseWebSocketHandler& handler)
    : core_(core),
      shard_(shard),
      index_(index),
      config_(std::move(config)),
      handler_(handler),
      state_(core.config().limits.calls, &next_call_id, or_unlimited(core.config().limits.connection_calls)),
      places_(or_unlimited(core.config().limits.endpoint_connections)),
      deadline_(shard, [this] { expire(); }),
      pause_over_(shard.strand()),
      pause_(shard, [this] { pause_over_.notify(); }),
      tasks_(shard.strand(), [this](std::exception_ptr const& error) { core_.report(error, config_.name); }) {
}

Endpoint::~Endpoint() = default;

// ---- connections ----

void Endpoint::admit(Upgrade upgrade) {
  wire::HttpRequestHead const head = std::move(upgrade.head);
  auto member = std::make_unique<Member>(shard_, std::move(upgrade), core_.next_connection_id(),
                                         core_.scope(shard_.index()).websockets,
                                         static_cast<net::ConnectionSink&>(*this));
  std::string fault;
  if (closing_) return;
  auto const subprotocol = subprotocol_of(member->pacing);
  if (!member->connection.accept(head, core_.config().limits.message, fault, subprotocol)) return;
  tasks_.spawn(serve(std::move(member)));
}

async::Task<> Endpoint::serve(std::unique_ptr<Member> member) {
  auto const id = member->connection.id();
  members_.emplace(id, member.get());
  join(*member);
  std::exception_ptr failure;
  try {
    co_await member->connection.run(std::move(member->input));
  } catch (...) {
    failure = std::current_exception();
  }
  co_await end_calls_of(id);
  auto const& traffic = member->connection.traffic();
  past_.bytes_in += traffic.bytes_in;
  past_.bytes_out += traffic.bytes_out;
  past_.messages_in += traffic.messages_in;
  past_.messages_out += traffic.messages_out;
  members_.erase(id);
  if (failure) std::rethrow_exception(failure);
}

void Endpoint::join(Member& member) {
  ++past_.opened;
  state_.join(member.connection.id(), member.pacing);
  if (member.end) member.token_end = std::make_unique<TokenEnd>(shard_, *member.end, member.connection);
  core_.log(LogLevel::info,
            fmt::format("{}: connection {} of {} from {} opened", name(), to_number(member.connection.id()),
                        member.user, member.remote_address));
  call_handler([&] { handler_.open(client_of(member)); });
  publish_event("open", member.connection.id());
  if (member.pacing == core::Pacing::none) return;
  ++paced_connections_;
  if (core_.draining()) tell_to_go(member);
}

void Endpoint::on_leave(net::WebSocketConnection& connection) {
  auto const calls = state_.leave(connection.id(), ending_batch);
  for (auto const& call : calls) ended(call);
  if (calls.size() == ending_batch) tasks_.spawn(end_calls_of(connection.id()));
  arm();
  Member const& member = *find(connection.id());
  core_.log(LogLevel::info,
            fmt::format("{}: connection {} from {} closed ({})", name(), to_number(connection.id()),
                        member.remote_address, connection.close_code()));
  call_handler([&] { handler_.on_close(client_of(member)); });
  publish_event("close", connection.id());
  if (member.pacing == core::Pacing::none) return;
  --paced_connections_;
  core_.service_left();
}

Endpoint::Member* Endpoint::find(ConnectionId connection) const {
  auto const found = members_.find(connection);
  return found == members_.end() ? nullptr : found->second;
}

WebSocketClient Endpoint::client_of(Member const& member) const {
  return {name(), member.connection.id(), member.user, member.remote_address, &core_.config().log};
}

std::size_t Endpoint::close_connections(std::optional<ConnectionId> connection, proto::CloseCode code,
                                        std::string_view reason) {
  std::vector<ConnectionId> ids(state_.connections().begin(), state_.connections().end());
  if (connection) std::erase_if(ids, [&](ConnectionId id) { return id != *connection; });
  std::size_t const count = ids.size();
  tasks_.spawn(close_in_turns(std::move(ids), code, std::string(reason)));
  return count;
}

async::Task<> Endpoint::close_in_turns(std::vector<ConnectionId> connections, proto::CloseCode code,
                                       std::string reason) {
  co_await publications_before(queued_);
  async::Turn turn;
  for (auto const id : connections) {
    if (turn.over()) {
      co_await shard_.yield();
      turn = {};
    }
    if (state_.has(id)) find(id)->connection.close(code, reason);
  }
}

std::vector<ConnectionDetails> Endpoint::connections(std::optional<ConnectionId> after,
                                                     std::size_t most) const {
  std::vector<ConnectionDetails> details;
  for (auto const id : state_.connections_after(after, most)) {
    Member const& member = *find(id);
    details.push_back({id, member.remote_address, member.user, member.since, state_.calls_on(id),
                       member.connection.outbox_bytes(), member.connection.traffic()});
  }
  return details;
}

EndpointFigures Endpoint::figures() const {
  EndpointFigures figures = past_;
  figures.connections = state_.connections().size();
  figures.calls_in_flight = state_.calls();
  figures.most_calls = state_.most_calls_on_one();
  for (auto const& [id, member] : members_) {
    auto const& traffic = member->connection.traffic();
    figures.bytes_in += traffic.bytes_in;
    figures.bytes_out += traffic.bytes_out;
    figures.messages_in += traffic.messages_in;
    figures.messages_out += traffic.messages_out;
    figures.most_outbox = std::max(figures.most_outbox, member->connection.outbox_bytes());
  }
  return figures;
}

void Endpoint::count(core::Bound bound) { core_.scope(shard_.index()).refusals.count(bound); }

// ---- messages out and events ----

void Endpoint::publish(Publication publication) {
  publications_.push_back(std::move(publication));
  ++queued_;
  if (!std::exchange(publishing_, true)) tasks_.spawn(publish_all());
}

async::Task<> Endpoint::publish_all() {
  std::size_t in_turn = 0;
  while (!publications_.empty()) {
    // One that reaches nobody costs a turn its share too.
    if (++in_turn > deliveries_per_turn) {
      co_await shard_.yield();
      in_turn = 1;
    }
    Publication const publication = std::move(publications_.front());
    publications_.pop_front();
    Result<SendCount> outcome =
        Failure{Problem::internal, "the gateway made a mistake; its log says more", Delivery::unknown};
    try {
      Result<SendCount> const sent = co_await publish_one(publication, in_turn);
      outcome = sent;
    } catch (...) {
      core_.report(std::current_exception(), fmt::format("a message to {}", name()));
    }
    ++published_;
    publication.done(std::move(outcome));
  }
  publishing_ = false;
}

async::Task<Result<SendCount>> Endpoint::publish_one(Publication const& publication, std::size_t& in_turn) {
  SendCount count;
  auto const& target = publication.connection;
  if (target && !state_.has(*target)) {
    co_return Failure{Problem::no_connection, "that connection is not on this endpoint", Delivery::not_sent};
  }
  if (target && !find(*target)->rights.receive) {
    co_return Failure{Problem::no_connection, "that connection may only send", Delivery::not_sent};
  }
  std::vector<ConnectionId> ids;
  if (target) {
    ids.push_back(*target);
  } else {
    ids.assign(state_.connections().begin(), state_.connections().end());
  }
  for (auto const id : ids) {
    if (++in_turn > deliveries_per_turn) {
      co_await shard_.yield();
      in_turn = 1;
    }
    if (!state_.has(id)) continue;
    Member& member = *find(id);
    if (!member.rights.receive) continue;
    core::OutMessage out;
    out.kind = publication.kind;
    out.body = publication.message;
    auto& connection = member.connection;
    if (connection.send(std::move(out)) != core::MessageNumber::none) {
      ++count.delivered;
    } else {
      ++count.dropped;
      this->count(core::Bound::outbox_limit);
      connection.close(proto::CloseCode::slow_consumer, "too much waited to be read");
      // It may have ended many calls, and told as many callers.
      in_turn = deliveries_per_turn;
    }
  }
  co_return count;
}

async::Task<> Endpoint::publications_before(std::uint64_t number) {
  while (published_ < number) co_await shard_.yield();
}

void Endpoint::subscribe(std::shared_ptr<EventStream> stream) { subscribers_.push_back(std::move(stream)); }

void Endpoint::unsubscribe(EventStream const* stream) {
  std::erase_if(subscribers_, [&](auto const& subscriber) { return subscriber.get() == stream; });
}

void Endpoint::publish_event(std::string_view type, ConnectionId connection, core::MessageKind kind,
                             std::optional<core::Buffer> message) {
  if (subscribers_.empty()) return;
  auto event = std::make_shared<Event>();
  event->text = fmt::format("event: {}\ndata: {{\"endpoint\":\"{}\",\"connection\":{}", type, name(),
                            to_number(connection));
  if (!message) event->text += "}\n\n";
  event->message = std::move(message);
  event->kind = kind;
  for (auto const& subscriber : subscribers_) EventStream::publish(subscriber, event);
}

void Endpoint::end_subscriptions() {
  for (auto const& subscriber : std::exchange(subscribers_, {})) EventStream::end(subscriber);
}

// ---- the end ----

void Endpoint::say_goaway() { tasks_.spawn(say_goaway_in_turns()); }

async::Task<> Endpoint::say_goaway_in_turns() {
  std::vector<ConnectionId> const ids(state_.connections().begin(), state_.connections().end());
  async::Turn turn;
  for (auto const id : ids) {
    if (turn.over()) {
      co_await shard_.yield();
      turn = {};
    }
    if (state_.has(id)) tell_to_go(*find(id));
  }
}

// Who joins while the drain begins is told as it joins, and not again.
void Endpoint::tell_to_go(Member& member) {
  if (std::exchange(member.told_to_go, true)) return;
  proto::ControlMessage message;
  message.kind = proto::ControlMessage::Kind::goaway;
  send_control(member, message);
}

async::Task<> Endpoint::shut_down() {
  closing_ = true;
  co_await end_all_calls(core::CallEnd::shut_down);
  co_await publications_before(queued_);
  std::vector<ConnectionId> const ids(state_.connections().begin(), state_.connections().end());
  std::minstd_rand random(static_cast<unsigned>(index_ + 1));
  std::uniform_int_distribution<int> jitter(5, 25);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // All at once, they would all come back at once.
    if (i != 0 && i % closing_batch == 0) co_await pause(std::chrono::milliseconds(jitter(random)));
    if (state_.has(ids[i]))
      find(ids[i])->connection.close(proto::CloseCode::service_restart, "the gateway restarts");
  }
  end_subscriptions();
  co_await tasks_.join();
}

async::Task<> Endpoint::pause(core::Duration duration) {
  pause_.set_in(duration);
  while (pause_.is_set()) co_await pause_over_.wait();
}

}  // namespace reachback::gateway
