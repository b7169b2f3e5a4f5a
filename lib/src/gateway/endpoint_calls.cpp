#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/endpoint.hpp"
#include "gateway/endpoint_member.hpp"

namespace reachback::gateway {
namespace {

using proto::to_number;

/// A message is read before it is complete from this size on; smaller ones are read in one go.
constexpr std::size_t read_ahead_from = async::Shard::receive_size;

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
      return call.detail.empty() ? "more of the answer waited for its caller than the budget allows"
                                 : call.detail;
    case core::CallEnd::shut_down:
      return "the gateway is shutting down";
    case core::CallEnd::cancelled:
    case core::CallEnd::connection_closed:
      break;
  }
  return std::string(proto::closed_text);
}

}  // namespace

void Endpoint::start_call(StartCall&& start) {
  auto const begun = begin_call(start.request);
  if (!begun) return tell(start.request.caller, CallEvent(begun.error()));
  transmit(*begun, head_of(*begun, start.checked, start.request.timeout), std::move(start.message),
           start.checked.members_at);
}

std::string Endpoint::head_of(core::CallPlacement const& placement, proto::CheckedRequest const& checked,
                              core::Duration timeout) {
  if (placement.pacing == core::Pacing::none) return proto::splice_head(checked, placement.id);
  return proto::splice_head(checked, placement.id, std::chrono::ceil<std::chrono::milliseconds>(timeout));
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
      case core::CallRefusal::endpoint_full:
        count(core::Bound::call_limit);
        failure.failure = {Problem::too_many_calls, "too many calls are pending on this endpoint",
                           Delivery::not_sent};
        break;
      case core::CallRefusal::connection_full:
        count(core::Bound::connection_call_limit);
        failure.failure = {Problem::too_many_calls, "too many calls are pending on the service's connection",
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
    if (member != nullptr) count(core::Bound::outbox_limit);
    refused.failure = {Problem::service_busy, "the message does not fit into the connection's outbox",
                       Delivery::not_sent};
  } else if (auto permit = core_.outboxes_budget().acquire(message.size())) {
    message.permit = std::move(*permit);
    state_.sent_as(placement.id, member->connection.send(std::move(message)));
    return;
  } else {
    count(core::Bound::total_outbox_budget);
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

async::Task<> Endpoint::end_all_calls(core::CallEnd reason) {
  for (;;) {
    auto const calls = state_.end_all(reason, ending_batch);
    for (auto const& call : calls) ended(call);
    if (calls.size() < ending_batch) co_return;
    co_await shard_.yield();
  }
}

async::Task<> Endpoint::end_calls_of(ConnectionId connection) {
  for (;;) {
    auto const calls = state_.leave(connection, ending_batch);
    for (auto const& call : calls) ended(call);
    if (calls.size() < ending_batch) co_return;
    co_await shard_.yield();
  }
}

void Endpoint::rearm(CallId call, core::Duration timeout) {
  state_.rearm(call, timeout, shard_.now());
  arm();
}

// Its answer would wait for credit for ever. One that finds no room is called off by its next part.
void Endpoint::call_off(ConnectionId service, CallId answer) {
  Member* const member = find(service);
  if (member == nullptr || member->pacing == core::Pacing::none) return;
  core::OutMessage out;
  out.head = proto::to_json({.kind = proto::ControlMessage::Kind::cancel, .call_id = answer});
  member->connection.send(std::move(out));
}

// Bounded: of each pending call one credit waits at most, and only what was sent is cancelled.
core::MessageNumber Endpoint::send_control(Member& member, proto::ControlMessage const& message) {
  if (member.pacing == core::Pacing::none) return core::MessageNumber::none;
  core::OutMessage out;
  out.head = proto::to_json(message);
  return member.connection.send_beyond_limit(std::move(out));
}

void Endpoint::give_credit(CallId call) {
  auto const grant = state_.give_credit(call, shard_.now());
  if (!grant) return;
  arm();
  Member* const member = find(grant->connection);
  if (member == nullptr) return;
  std::uint32_t parts = 1;
  if (member->connection.revoke(grant->replaces)) parts += grant->replaced_parts;
  auto const sent =
      send_control(*member, {.kind = proto::ControlMessage::Kind::credit, .call_id = call, .parts = parts});
  state_.credit_sent_as(call, sent, parts);
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
  if (call.message != core::MessageNumber::none) {
    send_control(*member, {.kind = proto::ControlMessage::Kind::cancel, .call_id = call.id});
  }
  bool const service_spoke = call.part_came || call.end == core::CallEnd::bad_answer;
  failure.failure.delivery = service_spoke ? Delivery::sent : member->connection.delivery(call.message);
  return failure;
}

void Endpoint::tell(core::CallerRef const& caller, CallEvent event) {
  ShardScope& home = core_.scope(caller.shard);
  if (home.shard.runs_here()) return home.callers.deliver(caller, std::move(event));
  home.shard.post([&home, caller, event = std::move(event)]() mutable {
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
  // More that are due are due again at once, as far as the turn of the loop goes.
  for (auto const& call : state_.expire(shard_.now(), ending_batch)) ended(call);
  arm();
}

// ---- messages in ----

void Endpoint::on_partial(net::WebSocketConnection& connection, core::MessageKind kind,
                          std::string_view so_far) {
  if (config_.kind != EndpointKind::service || so_far.size() < read_ahead_from) return;
  auto& reader = find(connection.id())->reader;
  if (reader == nullptr) reader = std::make_unique<ServiceMessageReader>();
  reader->grow(kind, so_far);
}

void Endpoint::on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                          core::Buffer message) {
  Member& member = *find(connection.id());
  if (!member.rights.send) return drop(DropReason::not_allowed, connection.id());
  call_handler([&] { handler_.on_message(client_of(member), message.view()); });
  if (config_.kind != EndpointKind::service) {
    if (!subscribers_.empty()) publish_event("message", connection.id(), kind, std::move(message));
    return;
  }
  auto const begun = std::move(member.reader);
  auto const answer = begun == nullptr ? ServiceMessageReader().complete(kind, message.view())
                                       : begun->complete(kind, message.view());
  if (answer) {
    on_answer(connection.id(), *answer, std::move(message));
  } else {
    drop(answer.error(), connection.id());
  }
}

void Endpoint::on_answer(ConnectionId from, proto::Answer const& answer, core::Buffer message) {
  using Action = core::AnswerDecision::Action;
  auto const decision = state_.answer(from, answer, shard_.now());
  switch (decision.action) {
    case Action::deliver:
    case Action::deliver_last:
      deliver(decision, answer, std::move(message));
      break;
    case Action::drop_unknown_call:
      drop(DropReason::unknown_call, from);
      call_off(from, answer.call_id);
      break;
    case Action::drop_wrong_connection:
      drop(DropReason::wrong_connection, from);
      break;
    case Action::drop_duplicate:
      drop(DropReason::duplicate_part, from);
      if (decision.credit_due) give_credit(answer.call_id);
      break;
    case Action::end_bad:
      ended(*decision.ended);
      break;
  }
}

void Endpoint::deliver(core::AnswerDecision const& decision, proto::Answer const& answer, core::Buffer text) {
  Part part;
  part.last = decision.action == core::AnswerDecision::Action::deliver_last;
  part.took = decision.took;
  part.credit_due = decision.credit_due;
  // A part that alone is over the limit passes when nothing else waits: a caller that keeps up gets any
  // answer.
  std::size_t const size = text.size() + sizeof(Part);
  auto const share_of = [&](core::Budget& budget) { return budget.acquire(std::min(size, budget.limit())); };
  auto call_share = share_of(*decision.caller.parts);
  auto total_share = share_of(core_.parts_budget());
  if (!call_share || !total_share) {
    count(call_share ? core::Bound::total_part_budget : core::Bound::call_budget);
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

}  // namespace reachback::gateway
