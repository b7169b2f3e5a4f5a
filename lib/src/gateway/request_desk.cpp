#include "gateway/request_desk.hpp"

#include <fmt/format.h>

#include "reachback/proto/problem.hpp"
#include "reachback/proto/request.hpp"

namespace reachback::gateway {
namespace {

/// The seed prunes at most so often.
constexpr auto prune_interval = std::chrono::seconds(60);

RequestDesk::Message final_message(CallId id, int status, std::string_view text) {
  return {id, false, core::Buffer(proto::error_message("unknown", status, text, id))};
}

double seconds(core::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

RequestDesk::RequestDesk(Core& core, Endpoint& endpoint)
    : core_(core),
      endpoint_(endpoint),
      scope_(core.scope(endpoint.shard().index())),
      tasks_(scope_.shard.strand(),
             [&core](std::exception_ptr const& error) { core.report(error, "a request handler"); }) {}

Result<core::CallPlacement> RequestDesk::begin(std::string description, proto::CheckedRequest const& checked,
                                               std::unique_ptr<core::Buffer> message,
                                               core::Duration timeout) {
  prune_sometimes();
  auto call = std::make_unique<Call>(scope_);
  call->touched = scope_.shard.now();
  call->description = std::move(description);
  core::CallRequest request;
  request.caller = call->caller.expect();
  request.timeout = core_.config().timeouts.unfetched;
  request.patience = core_.config().timeouts.unfetched;
  auto const begun = endpoint_.begin_call(request);
  if (!begun) return begun.error().failure;
  calls_.emplace(begun->id, std::move(call));
  if (message != nullptr) {
    endpoint_.transmit(*begun, Endpoint::head_of(*begun, checked, timeout), std::move(*message),
                       checked.members_at);
  }
  return *begun;
}

void RequestDesk::fetch(CallId id, core::Duration timeout, Answer answer) {
  tasks_.spawn(serve_fetch(id, timeout, std::move(answer)));
}

async::Task<> RequestDesk::serve_fetch(CallId id, core::Duration timeout, Answer answer) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) {
    answer.set_value(Failure{Problem::no_connection, "there is no such call", Delivery::unknown});
    co_return;
  }
  Call& call = *found->second;
  if (call.awaited) {
    answer.set_value(
        Failure{Problem::bad_parameter, "another thread waits for this call", Delivery::unknown});
    co_return;
  }
  if (is_stale(call)) {
    double const limit = seconds(core_.config().timeouts.unfetched);
    std::string const text = fmt::format("Callback time exceeded max threshold {}s {}s", limit,
                                         seconds(scope_.shard.now() - call.touched));
    calls_.erase(found);
    answer.set_value(final_message(id, 400, text));
    co_return;
  }
  call.awaited = true;
  endpoint_.rearm(id, timeout);
  auto [error, event] = co_await call.caller.next();
  if (error) event = CallEvent(Caller::given_up());
  call.awaited = false;
  call.touched = scope_.shard.now();
  endpoint_.rearm(id, core_.config().timeouts.unfetched);
  answer.set_value(message_of(id, call, std::move(event), timeout));
}

Result<RequestDesk::Message> RequestDesk::message_of(CallId id, Call& call, CallEvent event,
                                                     core::Duration timeout) {
  if (auto const part = std::move(event.part)) {
    if (part->credit_due) endpoint_.give_credit(id);
    Message message{id, !part->last, std::move(part->text)};
    if (part->last) calls_.erase(id);
    return message;
  }
  Failure failure = std::move(event.failure->failure);
  std::string const description = std::move(call.description);
  calls_.erase(id);
  if (failure.problem == Problem::service_closed)
    return final_message(id, proto::closed_status, proto::closed_text);
  if (failure.problem == Problem::timed_out) {
    failure.detail = fmt::format("no answer came within {} s to {}", seconds(timeout), description);
  }
  return failure;
}

bool RequestDesk::is_stale(Call const& call) const {
  return !call.awaited && scope_.shard.now() - call.touched >= core_.config().timeouts.unfetched;
}

void RequestDesk::close_all() {
  // Whoever does not wait yet (a thread between two parts) finds the end in the call's channel, later or
  // never.
  for (auto const& [id, call] : calls_) endpoint_.end_call(id, core::CallEnd::connection_closed);
}

std::size_t RequestDesk::prune() {
  return std::erase_if(calls_, [&](auto const& entry) { return is_stale(*entry.second); });
}

void RequestDesk::prune_sometimes() {
  auto const now = scope_.shard.now();
  if (now < next_prune_) return;
  next_prune_ = now + prune_interval;
  prune();
}

async::Task<> RequestDesk::end() {
  close_all();
  co_await tasks_.join();
}

}  // namespace reachback::gateway
