#include "core/endpoint_state.hpp"

#include <algorithm>
#include <utility>

namespace reachback::core {

using proto::CallId;
using proto::ConnectionId;
using proto::PartVerdict;
using Action = AnswerDecision::Action;

namespace {

/// Whoever reports an error ends the answer: that needs no credit.
bool uses_credit(proto::Answer const& answer) { return answer.status == 200 && answer.has_data; }

}  // namespace

void EndpointState::join(ConnectionId connection, Pacing pacing) {
  Member& member = members_[connection];
  if (std::exchange(member.listed, true)) return;
  member.pacing = pacing;
  member.place = order_.insert(order_.end(), connection);
}

std::vector<EndedCall> EndpointState::leave(ConnectionId connection, std::size_t most) {
  std::vector<EndedCall> taken;
  auto const found = members_.find(connection);
  if (found == members_.end()) return taken;
  Member& member = found->second;
  if (std::exchange(member.listed, false)) order_.erase(member.place);
  taken.reserve(std::min(most, member.calls.size()));
  while (!member.calls.empty() && taken.size() < most) {
    taken.push_back(take(member.calls.begin(), CallEnd::connection_closed));
  }
  if (member.calls.empty()) members_.erase(found);
  return taken;
}

std::vector<ConnectionId> EndpointState::connections_after(std::optional<ConnectionId> after,
                                                           std::size_t most) const {
  auto next = order_.begin();
  if (after && has(*after)) {
    next = std::next(members_.find(*after)->second.place);
  } else if (after) {
    next = std::find_if(order_.begin(), order_.end(), [&](ConnectionId id) { return id > *after; });
  }
  std::vector<ConnectionId> page;
  for (; next != order_.end() && page.size() < most; ++next) page.push_back(*next);
  return page;
}

bool EndpointState::has(ConnectionId connection) const {
  auto const member = members_.find(connection);
  return member != members_.end() && member->second.listed;
}

std::optional<ConnectionId> EndpointState::newest() const {
  if (order_.empty()) return std::nullopt;
  return order_.back();
}

boost::system::result<ConnectionId, CallRefusal> EndpointState::choose(CallRequest const& request) const {
  if (request.connection && !has(*request.connection)) return CallRefusal::no_connection;
  if (request.connection) return *request.connection;
  if (order_.empty()) return CallRefusal::no_service;
  return order_.back();
}

boost::system::result<CallPlacement, CallRefusal> EndpointState::begin(CallRequest const& request,
                                                                       TimePoint now) {
  auto const connection = choose(request);
  if (!connection) return connection.error();
  if (calls_.size() >= call_limit_) return CallRefusal::endpoint_full;
  Member& member = members_.find(*connection)->second;
  if (member.calls.size() >= connection_call_limit_) return CallRefusal::connection_full;

  CallId const id = next_call_id_();
  auto const call = member.calls.emplace(member.calls.end());
  call->id = id;
  call->caller = request.caller;
  call->connection = *connection;
  call->timeout = request.timeout;
  call->patience = request.patience;
  call->began = now;
  call->deadline = deadlines_.add(now + request.timeout, id);
  call->pacing = member.pacing;
  calls_.emplace(id, call);
  return CallPlacement{id, *connection, member.pacing};
}

void EndpointState::sent_as(CallId id, MessageNumber message) {
  auto const found = calls_.find(id);
  if (found != calls_.end()) found->second->message = message;
}

bool EndpointState::rearm(CallId id, Duration timeout, TimePoint now) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) return false;
  found->second->timeout = timeout;
  start_deadline(*found->second, now);
  return true;
}

void EndpointState::start_deadline(PendingCall& call, TimePoint now) {
  call.waits_for_credit = false;
  deadlines_.move(call.deadline, now + call.timeout);
}

AnswerDecision EndpointState::answer(ConnectionId from, proto::Answer const& answer, TimePoint now) {
  auto const found = calls_.find(answer.call_id);
  if (found == calls_.end()) return {.action = Action::drop_unknown_call};
  if (found->second->connection != from) return {.action = Action::drop_wrong_connection};
  return accept(found->second, answer, now);
}

AnswerDecision EndpointState::accept(CallList::iterator call, proto::Answer const& answer, TimePoint now) {
  bool const paced = call->pacing == Pacing::credits;
  if (paced && uses_credit(answer) && !call->credit.use()) {
    return end_bad(call, "a part came beyond the credit");
  }
  AnswerDecision decision{.caller = call->caller, .took = now - call->began};
  switch (call->parts.accept(answer)) {
    case PartVerdict::deliver:
      decision.action = Action::deliver;
      call->part_came = true;
      decision.credit_due = paced && call->credit.promise(call->parts.missing());
      if (paced && call->credit.exhausted()) {
        call->waits_for_credit = true;
        deadlines_.move(call->deadline, now + call->patience);
      } else {
        start_deadline(*call, now);
      }
      break;
    case PartVerdict::deliver_last:
      decision.action = Action::deliver_last;
      remove(call);
      break;
    case PartVerdict::duplicate:
      decision.action = Action::drop_duplicate;
      decision.credit_due = paced && call->credit.promise(call->parts.missing());
      break;
    case PartVerdict::bad:
      return end_bad(call, call->parts.fault());
  }
  return decision;
}

AnswerDecision EndpointState::end_bad(CallList::iterator call, std::string fault) {
  AnswerDecision decision{.action = Action::end_bad, .caller = call->caller};
  decision.ended = take(call, CallEnd::bad_answer);
  decision.ended->detail = std::move(fault);
  return decision;
}

std::optional<CreditGrant> EndpointState::give_credit(CallId id, TimePoint now) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) return std::nullopt;
  PendingCall& call = *found->second;
  if (!call.credit.give()) return std::nullopt;
  if (call.waits_for_credit) start_deadline(call, now);
  return CreditGrant{call.connection, call.credit_message, call.credit_parts};
}

void EndpointState::credit_sent_as(CallId id, MessageNumber message, std::uint32_t parts) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second->credit_message = message;
  found->second->credit_parts = parts;
}

std::optional<EndedCall> EndpointState::end(CallId id, CallEnd reason) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) return std::nullopt;
  return take(found->second, reason);
}

std::vector<EndedCall> EndpointState::end_all(CallEnd reason, std::size_t most) {
  std::vector<EndedCall> taken;
  taken.reserve(std::min(most, calls_.size()));
  while (!calls_.empty() && taken.size() < most) taken.push_back(take(calls_.begin()->second, reason));
  return taken;
}

std::vector<EndedCall> EndpointState::expire(TimePoint now, std::size_t most) {
  std::vector<EndedCall> taken;
  while (taken.size() < most) {
    auto const due = deadlines_.pop_due(now);
    if (!due) break;
    auto const call = calls_.find(*due)->second;
    bool const waited = call->waits_for_credit;
    taken.push_back(take(call, waited ? CallEnd::slow_caller : CallEnd::timed_out));
    if (waited) taken.back().detail = "the caller took no part of the answer for too long";
  }
  return taken;
}

EndedCall EndpointState::ended(PendingCall const& call, CallEnd reason) {
  return {.id = call.id,
          .caller = call.caller,
          .connection = call.connection,
          .message = call.message,
          .part_came = call.part_came,
          .end = reason};
}

void EndpointState::remove(CallList::iterator call) {
  deadlines_.remove(call->deadline);
  calls_.erase(call->id);
  members_.find(call->connection)->second.calls.erase(call);
}

EndedCall EndpointState::take(CallList::iterator call, CallEnd reason) {
  EndedCall taken = ended(*call, reason);
  remove(call);
  return taken;
}

std::size_t EndpointState::calls_on(ConnectionId connection) const {
  auto const member = members_.find(connection);
  return member == members_.end() ? 0 : member->second.calls.size();
}

std::size_t EndpointState::most_calls_on_one() const {
  std::size_t most = 0;
  for (auto const& [connection, member] : members_) most = std::max(most, member.calls.size());
  return most;
}

}  // namespace reachback::core
