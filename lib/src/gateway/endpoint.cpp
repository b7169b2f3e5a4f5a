#include "gateway/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "gateway/core.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::gateway {
namespace {

using proto::to_number;

constexpr std::size_t closing_batch = 64;

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

Problem problem_of(core::CallEnd end) {
  switch (end) {
    case core::CallEnd::timed_out:
      return Problem::timed_out;
    case core::CallEnd::bad_answer:
      return Problem::bad_answer;
    case core::CallEnd::slow_caller:
      return Problem::slow_caller;
    case core::CallEnd::connection_closed:
    case core::CallEnd::cancelled:
    case core::CallEnd::shut_down:
      break;
  }
  return Problem::service_closed;
}

std::string detail_of(core::EndedCall const& call) {
  switch (call.end) {
    case core::CallEnd::timed_out:
      return "no answer came within the time-out";
    case core::CallEnd::bad_answer:
      return call.detail;
    case core::CallEnd::slow_caller:
      return "more of the answer waited for its caller than the budget allows";
    case core::CallEnd::shut_down:
      return "the gateway is shutting down";
    case core::CallEnd::cancelled:
    case core::CallEnd::connection_closed:
      break;
  }
  return std::string(proto::closed_text);
}

DropReason drop_reason_of(proto::AnswerFault fault) {
  switch (fault) {
    case proto::AnswerFault::not_an_object:
      return DropReason::not_an_object;
    case proto::AnswerFault::bad_json:
      return DropReason::bad_json;
    case proto::AnswerFault::too_deep:
      return DropReason::too_deep;
    case proto::AnswerFault::bad_cmd:
      return DropReason::bad_cmd;
    case proto::AnswerFault::bad_status:
      return DropReason::bad_status;
    case proto::AnswerFault::bad_call_id:
      break;
  }
  return DropReason::bad_call_id;
}

}  // namespace

/// A connection of the endpoint with what the lists show of it.
struct Endpoint::Member {
  Member(async::Shard& shard, Upgrade&& upgrade, ConnectionId id, net::ConnectionSettings const& settings,
         net::ConnectionSink& sink)
      : connection(shard, std::move(upgrade.taken.socket).attach(shard), id, settings, sink),
        input(std::move(upgrade.taken.input)),
        remote_address(std::move(upgrade.taken.remote_address)),
        user(std::move(upgrade.user)),
        permit(std::move(upgrade.taken.permit)),
        regular(std::move(upgrade.regular)) {}

  net::WebSocketConnection connection;
  core::Buffer input;
  std::string remote_address, user;
  std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
  core::Permit permit, regular;
  bool dropped_before = false;
};

Endpoint::Endpoint(Core& core, async::Shard& shard, std::size_t index, EndpointConfig config,
                   BaseWebSocketHandler& handler)
    : core_(core),
      shard_(shard),
      index_(index),
      config_(std::move(config)),
      handler_(handler),
      state_(core.config().limits.calls, &next_call_id),
      deadline_(shard, [this] { expire(); }),
      pause_over_(shard.strand()),
      pause_(shard, [this] { pause_over_.notify(); }),
      tasks_(shard.strand(), [this](std::exception_ptr const& error) { core_.report(error, config_.name); }) {
}

Endpoint::~Endpoint() = default;

// ---- connections ----

void Endpoint::admit(Upgrade upgrade) {
  wire::HttpRequestHead const head = std::move(upgrade.head);
  auto member =
      std::make_unique<Member>(shard_, std::move(upgrade), core_.next_connection_id(),
                               core_.connection_settings(), static_cast<net::ConnectionSink&>(*this));
  std::string fault;
  if (closing_ || !member->connection.accept(head, core_.config().limits.message, fault)) return;
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
  state_.join(member.connection.id());
  core_.log(LogLevel::info,
            fmt::format("{}: connection {} of {} from {} opened", name(), to_number(member.connection.id()),
                        member.user, member.remote_address));
  call_handler([&] { handler_.open(client_of(member)); });
  publish_event("open", member.connection.id());
}

void Endpoint::on_leave(net::WebSocketConnection& connection) {
  for (auto const& call : state_.leave(connection.id())) ended(call);
  arm();
  Member const& member = *find(connection.id());
  core_.log(LogLevel::info,
            fmt::format("{}: connection {} from {} closed ({})", name(), to_number(connection.id()),
                        member.remote_address, connection.close_code()));
  call_handler([&] { handler_.on_close(client_of(member)); });
  publish_event("close", connection.id());
}

Endpoint::Member* Endpoint::find(ConnectionId connection) const {
  auto const found = members_.find(connection);
  return found == members_.end() ? nullptr : found->second;
}

WebSocketClient Endpoint::client_of(Member const& member) const {
  return {name(), member.connection.id(), member.user, member.remote_address, &core_.config().log};
}

template <class Function>
void Endpoint::call_handler(Function const& function) {
  try {
    function();
  } catch (...) {
    core_.report(std::current_exception(), fmt::format("a callback of {}", name()));
  }
}

std::size_t Endpoint::close_connections(std::optional<ConnectionId> connection, proto::CloseCode code,
                                        std::string_view reason) {
  std::vector<ConnectionId> ids(state_.connections().begin(), state_.connections().end());
  if (connection) std::erase_if(ids, [&](ConnectionId id) { return id != *connection; });
  for (auto const id : ids) find(id)->connection.close(code, reason);
  return ids.size();
}

std::vector<ConnectionDetails> Endpoint::connections() const {
  std::vector<ConnectionDetails> details;
  for (auto const id : state_.connections()) {
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
  for (auto const& [id, member] : members_) {
    auto const& traffic = member->connection.traffic();
    figures.bytes_in += traffic.bytes_in;
    figures.bytes_out += traffic.bytes_out;
    figures.messages_in += traffic.messages_in;
    figures.messages_out += traffic.messages_out;
  }
  return figures;
}

// ---- calls ----

void Endpoint::start_call(StartCall start) {
  auto const begun = begin_call(start.request);
  if (!begun) return tell(start.request.caller, CallEvent(begun.error()));
  transmit(*begun, proto::splice_head(start.checked, begun->id), std::move(start.message),
           start.checked.members_at);
}

boost::system::result<core::CallPlacement, CallFailure> Endpoint::begin_call(
    core::CallRequest const& request) {
  CallFailure failure;
  if (core_.draining()) {
    failure.failure = {Problem::draining, "the gateway is shutting down", Delivery::not_sent};
    return failure;
  }
  auto const begun = state_.begin(request, shard_.now());
  if (!begun) {
    switch (begun.error()) {
      case core::CallRefusal::no_service:
        failure.failure = {Problem::no_service, proto::no_service_text(name()), Delivery::not_sent};
        break;
      case core::CallRefusal::no_connection:
        failure.failure = {Problem::no_connection, "that connection is not on this endpoint",
                           Delivery::not_sent};
        break;
      case core::CallRefusal::too_many_calls:
        failure.failure = {Problem::too_many_calls, "too many calls are pending on this endpoint",
                           Delivery::not_sent};
        break;
    }
    return failure;
  }
  arm();
  core::CallerRef const& caller = request.caller;
  ShardScope& home = core_.scope(caller.shard);
  home.shard.dispatch([this, &home, caller, placement = *begun] {
    home.callers.started(caller, *this, placement.id, placement.connection);
  });
  return *begun;
}

void Endpoint::transmit(core::CallPlacement const& placement, std::string head, core::Buffer body,
                        std::size_t body_from) {
  core::OutMessage message;
  message.head = std::move(head);
  message.body = std::move(body);
  message.body_from = body_from;
  Member* const member = find(placement.connection);
  CallFailure refused;
  refused.call_id = placement.id;
  if (member == nullptr || !member->connection.fits(message.size())) {
    refused.failure = {Problem::service_busy, "the message does not fit into the connection's outbox",
                       Delivery::not_sent};
  } else if (auto permit = core_.outboxes_budget().acquire(message.size())) {
    message.permit = std::move(*permit);
    state_.sent_as(placement.id, member->connection.send(std::move(message)));
    return;
  } else {
    refused.failure = {Problem::overloaded, "too much waits to be sent to services", Delivery::not_sent};
  }
  if (auto const call = state_.end(placement.id, core::CallEnd::cancelled)) {
    tell(call->caller, CallEvent(std::move(refused)));
    core_.call_ended();
  }
}

void Endpoint::end_call(CallId call, core::CallEnd reason) {
  if (auto const taken = state_.end(call, reason)) ended(*taken);
}

void Endpoint::end_all_calls(core::CallEnd reason) {
  for (auto const& call : state_.end_all(reason)) ended(call);
}

void Endpoint::rearm(CallId call, core::Duration timeout) {
  state_.rearm(call, timeout, shard_.now());
  arm();
}

void Endpoint::ended(core::EndedCall const& call) {
  tell(call.caller, CallEvent(failure_of(call)));
  core_.call_ended();
}

CallFailure Endpoint::failure_of(core::EndedCall const& call) {
  CallFailure failure;
  failure.call_id = call.id;
  failure.failure.problem = problem_of(call.end);
  failure.failure.detail = detail_of(call);
  Member* const member = find(call.connection);
  // A frame of which nothing was sent is taken back: an abandoned call is not carried out later.
  if (member == nullptr || member->connection.revoke(call.message)) return failure;
  bool const service_spoke = call.part_came || call.end == core::CallEnd::bad_answer;
  failure.failure.delivery = service_spoke ? Delivery::sent : member->connection.delivery(call.message);
  return failure;
}

void Endpoint::tell(core::CallerRef const& caller, CallEvent event) {
  ShardScope& home = core_.scope(caller.shard);
  home.shard.dispatch([&home, caller, event = std::move(event)]() mutable {
    home.callers.deliver(caller, std::move(event));
  });
}

void Endpoint::arm() {
  auto const next = state_.next_deadline();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  deadline_.set(*next);
}

void Endpoint::expire() {
  armed_.reset();
  for (auto const& call : state_.expire(shard_.now())) ended(call);
  arm();
}

// ---- messages in ----

void Endpoint::on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                          core::Buffer message) {
  Member const& member = *find(connection.id());
  call_handler([&] { handler_.on_message(client_of(member), message.view()); });
  if (config_.kind == EndpointKind::service)
    return static_cast<void>(on_answer(connection.id(), kind, std::move(message)));
  if (subscribers_.empty()) return;
  publish_event("message", connection.id(),
                kind == core::MessageKind::text
                    ? fmt::format(R"(,"text":"{}")", proto::escape(message.view()))
                    : fmt::format(R"(,"base64":"{}")", proto::to_base64(message.view())));
}

Result<void> Endpoint::inject(ConnectionId from, std::string message) {
  return on_answer(from, core::MessageKind::binary, core::Buffer(message));
}

Result<void> Endpoint::on_answer(ConnectionId from, core::MessageKind kind, core::Buffer message) {
  // A text frame's UTF-8 has been checked by the codec.
  if (kind == core::MessageKind::binary && !proto::is_valid_utf8(message.view())) {
    drop(DropReason::not_utf8, from);
    return Failure{Problem::bad_answer, "the message is not UTF-8", Delivery::sent};
  }
  auto const answer = proto::read_answer(message.view());
  if (!answer) {
    drop(drop_reason_of(answer.error()), from);
    return Failure{Problem::bad_answer, std::string(proto::to_string(answer.error())), Delivery::sent};
  }
  using Action = core::AnswerDecision::Action;
  auto const decision = state_.answer(from, *answer, shard_.now());
  switch (decision.action) {
    case Action::deliver:
    case Action::deliver_last:
      deliver(decision, *answer, std::move(message));
      break;
    case Action::drop_unknown_call:
      drop(DropReason::unknown_call, from);
      break;
    case Action::drop_wrong_connection:
      drop(DropReason::wrong_connection, from);
      break;
    case Action::drop_duplicate:
      drop(DropReason::duplicate_part, from);
      break;
    case Action::end_bad:
      ended(*decision.ended);
      break;
  }
  return {};
}

void Endpoint::deliver(core::AnswerDecision const& decision, proto::Answer const& answer, core::Buffer text) {
  Part part;
  part.last = decision.action == core::AnswerDecision::Action::deliver_last;
  part.took = decision.took;
  // A part that alone is over the limit passes when nothing else waits: a caller that keeps up gets any
  // answer.
  std::size_t const size = text.size() + sizeof(Part);
  auto const share_of = [&](core::Budget& budget) { return budget.acquire(std::min(size, budget.limit())); };
  auto call_share = share_of(*decision.caller.parts);
  auto total_share = share_of(core_.parts_budget());
  if (!call_share || !total_share) {
    if (part.last) {
      CallFailure failure;
      failure.call_id = answer.call_id;
      failure.failure = {Problem::slow_caller,
                         "more of the answer waited for its caller than the budget allows", Delivery::sent};
      tell(decision.caller, CallEvent(std::move(failure)));
      core_.call_ended();
    } else {
      end_call(answer.call_id, core::CallEnd::slow_caller);
    }
    return;
  }
  part.call_share = std::move(*call_share);
  part.total_share = std::move(*total_share);
  part.answer = answer;
  part.text = std::move(text);
  bool const last = part.last;
  tell(decision.caller, CallEvent(std::move(part)));
  if (last) core_.call_ended();
}

void Endpoint::drop(DropReason reason, ConnectionId from) {
  ++past_.dropped[static_cast<std::size_t>(reason)];
  Member* const member = find(from);
  bool const first = member != nullptr && !std::exchange(member->dropped_before, true);
  // Once per connection: a service that sends nothing but garbage must not fill the log.
  core_.log(
      first ? LogLevel::warning : LogLevel::debug,
      fmt::format("{}: dropped a message of connection {}: {}", name(), to_number(from), to_string(reason)));
}

// ---- messages out and events ----

Result<SendCount> Endpoint::publish(core::MessageKind kind, std::shared_ptr<std::string const> message,
                                    std::optional<ConnectionId> connection) {
  if (connection && !state_.has(*connection)) {
    return Failure{Problem::no_connection, "that connection is not on this endpoint", Delivery::not_sent};
  }
  std::vector<ConnectionId> ids(state_.connections().begin(), state_.connections().end());
  if (connection) ids = {*connection};
  SendCount count;
  for (auto const id : ids) {
    core::OutMessage out;
    out.kind = kind;
    out.body = message;
    auto& target = find(id)->connection;
    if (target.send(std::move(out)) != core::MessageNumber::none) {
      ++count.delivered;
    } else {
      ++count.dropped;
      target.close(proto::CloseCode::slow_consumer, "too much waited to be read");
    }
  }
  return count;
}

void Endpoint::subscribe(std::shared_ptr<EventStream> stream) { subscribers_.push_back(std::move(stream)); }

void Endpoint::unsubscribe(EventStream const* stream) {
  std::erase_if(subscribers_, [&](auto const& subscriber) { return subscriber.get() == stream; });
}

void Endpoint::publish_event(std::string_view type, ConnectionId connection, std::string_view more) {
  if (subscribers_.empty()) return;
  auto const event = std::make_shared<std::string const>(
      fmt::format("event: {}\ndata: {{\"endpoint\":\"{}\",\"connection\":{}{}}}\n\n", type, name(),
                  to_number(connection), more));
  for (auto const& subscriber : subscribers_) EventStream::publish(subscriber, event);
}

void Endpoint::end_subscriptions() {
  for (auto const& subscriber : std::exchange(subscribers_, {})) EventStream::end(subscriber);
}

// ---- the end ----

async::Task<> Endpoint::shut_down() {
  closing_ = true;
  end_all_calls(core::CallEnd::shut_down);
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
