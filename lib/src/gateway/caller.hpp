#pragma once

#include <boost/asio/experimental/basic_channel.hpp>
#include <boost/asio/experimental/channel_traits.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "async/shard.hpp"
#include "core/budget.hpp"
#include "core/buffer.hpp"
#include "core/endpoint_state.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/answer.hpp"

namespace reachback::gateway {

class Endpoint;
class Caller;

/// One message of an answer on its way to the caller.
struct Part {
  core::Buffer text;
  proto::Answer answer;      ///< its views point into `text`, which may be moved but not changed
  bool last = false;         ///< the answer is complete with it
  bool credit_due = false;   ///< its service is paced: whoever has taken it gives the credit
  core::Duration took{};     ///< at the endpoint, since the call began
  core::Permit call_share;   ///< of this call's budget
  core::Permit total_share;  ///< of the budget of all callers
};

/// A call that ended without a complete answer.
struct CallFailure {
  Failure failure;
  std::optional<CallId> call_id;
};

/// What a caller waits for: one of the two. Small, since it is moved several times on its way.
struct CallEvent {
  CallEvent() = default;
  explicit CallEvent(Part arrived) : part(std::make_unique<Part>(std::move(arrived))) {}
  explicit CallEvent(CallFailure ended) : failure(std::make_unique<CallFailure>(std::move(ended))) {}

  std::unique_ptr<Part> part;
  std::unique_ptr<CallFailure> failure;
};

/// The callers of one shard by their place, so that endpoints on any shard can name one by value. A reference
/// to a caller that has gone, or to an earlier call of the same one, matches nothing. Lives as long as the
/// shard's thread.
class CallerTable {
 public:
  explicit CallerTable(std::size_t call_budget) : call_budget_(call_budget) {}

  /// What is delivered to the caller of `ref`; dropped when it does not wait for that any more.
  void deliver(core::CallerRef const& ref, CallEvent event);
  /// The endpoint has begun the call. When nobody waits for it any more, it is cancelled.
  void started(core::CallerRef const& ref, Endpoint& endpoint, CallId call, ConnectionId connection);

 private:
  friend class Caller;
  struct Slot {
    explicit Slot(std::size_t budget) : parts(budget) {}
    core::Budget parts;  ///< of the parts that the slot's caller has not read
    Caller* caller = nullptr;
  };

  [[nodiscard]] Caller* find(core::CallerRef const& ref);
  [[nodiscard]] std::uint32_t enter(Caller& caller);
  void leave(std::uint32_t slot);

  std::size_t const call_budget_;
  std::deque<Slot> slots_;  ///< addresses of the budgets stay as they are
  std::vector<std::uint32_t> free_;
  std::uint64_t last_generation_ = 0;
};

/// Makes calls, one at a time, and waits for their answers through one Asio channel that it reuses. What
/// belongs to an earlier call never enters the channel. Lives on its shard; each HTTP session and each call
/// of the facade owns one.
class Caller {
 public:
  /// `table` is the shard's.
  Caller(async::Shard& shard, CallerTable& table);
  /// Cancels a call under way.
  ~Caller();
  Caller(Caller const&) = delete;
  Caller& operator=(Caller const&) = delete;

  /// A reference for a new call; what comes for the one before is dropped from now on.
  [[nodiscard]] core::CallerRef expect();
  /// The next part, or how the call ended; an error, and neither of the two, when it was given up. After a
  /// last part or an end, nothing more comes. The wait ends at the latest with the call's deadline, which the
  /// endpoint keeps; `cancel` ends it at once. One waiter.
  [[nodiscard]] async::Task<std::tuple<async::error_code, CallEvent>> next();
  /// What the error of `next` means.
  [[nodiscard]] static CallFailure given_up();
  /// A part with `credit_due` has been taken: its service may send one more. Nothing when the call is over.
  void give_credit();
  /// Gives the call up: nobody waits for it any more. A waiter gets `reason`; the endpoint is told.
  void cancel(core::CallEnd reason);

  [[nodiscard]] std::optional<CallId> call_id() const { return call_id_; }
  [[nodiscard]] std::optional<ConnectionId> connection() const { return connection_; }

 private:
  friend class CallerTable;
  using Channel =
      async::asio::experimental::basic_channel<async::Executor, async::asio::experimental::channel_traits<>,
                                               void(async::error_code, CallEvent)>;

  void forget();

  async::Shard& shard_;
  CallerTable& table_;
  std::uint32_t const slot_;
  std::uint64_t generation_ = 0;  ///< of the call under way; 0: none
  Endpoint* endpoint_ = nullptr;
  std::optional<CallId> call_id_;
  std::optional<ConnectionId> connection_;
  Channel channel_;
};

}  // namespace reachback::gateway
