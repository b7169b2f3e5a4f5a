#include "gateway/caller.hpp"

#include <limits>
#include <utility>

#include "gateway/endpoint.hpp"

namespace reachback::gateway {

Caller* CallerTable::find(core::CallerRef const& ref) {
  Caller* const caller = slots_[ref.slot].caller;
  return caller != nullptr && caller->generation_ == ref.generation ? caller : nullptr;
}

std::uint32_t CallerTable::enter(Caller& caller) {
  if (free_.empty()) {
    slots_.emplace_back(call_budget_);
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  std::uint32_t const slot = free_.back();
  free_.pop_back();
  slots_[slot].caller = &caller;
  return slot;
}

void CallerTable::leave(std::uint32_t slot) {
  slots_[slot].caller = nullptr;
  free_.push_back(slot);
}

void CallerTable::deliver(core::CallerRef const& ref, CallEvent event) {
  Caller* const caller = find(ref);
  if (caller == nullptr) return;
  if (event.failure != nullptr && event.failure->failure.problem == Problem::slow_caller) {
    // What waits is what was too much: it goes at once.
    while (caller->channel_.try_receive([](async::error_code const&, CallEvent const&) {})) {}
  }
  // The channel has no bound of its own: every part in it holds a share of the call's budget.
  bool const over = event.part == nullptr || event.part->last;
  caller->channel_.try_send(async::error_code{}, std::move(event));
  if (over) caller->forget();
}

void CallerTable::started(core::CallerRef const& ref, Endpoint& endpoint, CallId call,
                          ConnectionId connection) {
  if (Caller* const caller = find(ref)) {
    caller->endpoint_ = &endpoint;
    caller->call_id_ = call;
    caller->connection_ = connection;
  } else {
    endpoint.shard().dispatch([&endpoint, call] { endpoint.end_call(call, core::CallEnd::cancelled); });
  }
}

Caller::Caller(async::Shard& shard, CallerTable& table)
    : shard_(shard),
      table_(table),
      slot_(table.enter(*this)),
      channel_(shard.strand(), std::numeric_limits<std::size_t>::max()) {}

Caller::~Caller() {
  cancel(core::CallEnd::cancelled);
  table_.leave(slot_);
}

core::CallerRef Caller::expect() {
  cancel(core::CallEnd::cancelled);
  call_id_.reset();
  connection_.reset();
  endpoint_ = nullptr;
  generation_ = ++table_.last_generation_;
  return {shard_.index(), slot_, generation_, &table_.slots_[slot_].parts};
}

async::Task<std::tuple<async::error_code, CallEvent>> Caller::next() {
  // A call that was given up before anybody waited: nothing would ever wake the waiter.
  if (generation_ == 0 && !channel_.ready()) channel_.close();
  return channel_.async_receive(async::use_task);
}

CallFailure Caller::given_up() {
  CallFailure ended;
  ended.failure = {Problem::service_closed, "the call was given up", Delivery::unknown};
  return ended;
}

void Caller::cancel(core::CallEnd reason) {
  // Parts that nobody will read must not hold their budgets until the next call.
  channel_.reset();
  if (generation_ == 0) return;
  if (endpoint_ != nullptr && call_id_) {
    endpoint_->shard().dispatch(
        [endpoint = endpoint_, call = *call_id_, reason] { endpoint->end_call(call, reason); });
  }
  forget();
}

void Caller::give_credit() {
  if (generation_ == 0 || endpoint_ == nullptr || !call_id_) return;
  endpoint_->shard().dispatch([endpoint = endpoint_, call = *call_id_] { endpoint->give_credit(call); });
}

// The call is over: what still comes for it matches nothing.
void Caller::forget() { generation_ = 0; }

}  // namespace reachback::gateway
