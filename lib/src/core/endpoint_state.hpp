#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/system/result.hpp>

#include "core/budget.hpp"
#include "core/credit.hpp"
#include "core/deadline_table.hpp"
#include "core/outbox.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/ids.hpp"
#include "reachback/proto/part_tracker.hpp"
#include "reachback/proto/problem.hpp"

namespace reachback::core {

/// Where a call's answer goes: the caller's place in the table of its shard. A back-reference by value: a
/// caller that is gone leaves an id that matches nothing.
struct CallerRef {
  std::uint32_t shard = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  Budget* parts = nullptr;  ///< bounds what the caller has not read yet; outlives every call
  friend bool operator==(CallerRef const&, CallerRef const&) = default;
};

/// How a call ended without an answer that completes it.
enum class CallEnd : std::uint8_t {
  timed_out,
  connection_closed,
  bad_answer,
  slow_caller,
  cancelled,
  shut_down
};

/// A call that has just left the table; nobody else will end it again.
struct EndedCall {
  proto::CallId id{};
  CallerRef caller{};
  proto::ConnectionId connection{};
  MessageNumber message{};
  bool part_came = false;  ///< at least one part was delivered
  CallEnd end{};
  std::string detail{};  ///< for bad_answer: a sentence that names what is wrong
};

/// Why a call was not begun. Nothing of it has been sent.
enum class CallRefusal : std::uint8_t {
  no_service,
  no_connection,
  endpoint_full,   ///< too many calls are pending
  connection_full  ///< too many are pending on the connection that it would go to
};

/// Where to send a call that has been begun.
struct CallPlacement {
  proto::CallId id{};
  proto::ConnectionId connection{};
  Pacing pacing = Pacing::none;
};

struct CallRequest {
  CallerRef caller{};
  std::optional<proto::ConnectionId> connection{};  ///< that one, else the newest
  Duration timeout{};                               ///< until each part
  /// Of a paced call: how long its caller may take for a part while the service waits for credit.
  Duration patience = std::chrono::hours(1);
};

/// What a message from a service means.
struct AnswerDecision {
  enum class Action : std::uint8_t {
    deliver,
    deliver_last,
    drop_unknown_call,
    drop_wrong_connection,
    drop_duplicate,
    end_bad
  };
  Action action{};
  CallerRef caller{};                ///< for deliver, deliver_last
  std::optional<EndedCall> ended{};  ///< for end_bad
  Duration took{};                   ///< for deliver, deliver_last: since the call began
  bool credit_due = false;           ///< for deliver, drop_duplicate: `give_credit` when the part is taken
};

/// A credit for the service, to be sent in one message with what `replaces` says, if that can be taken back.
struct CreditGrant {
  proto::ConnectionId connection{};
  MessageNumber replaces{};
  std::uint32_t replaced_parts = 0;
};

/// All that an endpoint knows: its connections in the order in which they joined, its pending calls and their
/// deadlines. Decides where a call goes, what an answer means, and how a call ends: exactly once, whatever
/// comes first. Synchronous and pure, owned by the endpoint's actor on its shard; `now` is a parameter. The
/// cost of a call depends neither on the number of pending calls nor on that of connections (the deadlines
/// add O(log n)).
class EndpointState {
 public:
  /// `next_call_id` gives numbers that are unique in the process and rise.
  using CallIdSource = proto::CallId (*)();

  /// The limits are of pending calls. A full connection's calls are refused and go to no older one: that one
  /// may be what is left of a service that came back.
  EndpointState(std::size_t call_limit, CallIdSource next_call_id,
                std::size_t connection_call_limit = SIZE_MAX)
      : call_limit_(call_limit), connection_call_limit_(connection_call_limit), next_call_id_(next_call_id) {}
  EndpointState(EndpointState const&) = delete;
  EndpointState& operator=(EndpointState const&) = delete;

  /// Makes it the newest. Joining again while on the list changes nothing.
  void join(proto::ConnectionId connection, Pacing pacing = Pacing::none);
  /// Takes the connection off the list and ends its calls (`connection_closed`), in the order in which they
  /// began: at most `most`. Whoever gets as many asks again, in another turn of the loop, until fewer come.
  [[nodiscard]] std::vector<EndedCall> leave(proto::ConnectionId connection, std::size_t most = SIZE_MAX);
  /// In the order of joining. Whoever may join or leave while walking through it walks through a copy.
  [[nodiscard]] std::list<proto::ConnectionId> const& connections() const { return order_; }
  /// The same in pages: at most `most` of those that joined behind `after`, or of the first ones. Their ids
  /// rise, so that `after` may have left.
  [[nodiscard]] std::vector<proto::ConnectionId> connections_after(std::optional<proto::ConnectionId> after,
                                                                   std::size_t most) const;
  [[nodiscard]] bool has(proto::ConnectionId connection) const;
  [[nodiscard]] std::optional<proto::ConnectionId> newest() const;

  [[nodiscard]] boost::system::result<CallPlacement, CallRefusal> begin(CallRequest const& request,
                                                                        TimePoint now);
  /// Notes which message of its connection carries the call, for its delivery.
  void sent_as(proto::CallId id, MessageNumber message);
  /// Gives a call another time-out, from now. False when it has ended.
  bool rearm(proto::CallId id, Duration timeout, TimePoint now);
  /// A delivered part gives its call the whole time-out anew; what is dropped leaves the call as it was.
  /// While its service waits for credit, a paced call has its `patience` instead: it is its caller's turn.
  [[nodiscard]] AnswerDecision answer(proto::ConnectionId from, proto::Answer const& answer, TimePoint now);
  /// A part whose credit was due has been taken: its service may send one more. Nothing when the call has
  /// ended. One that waited for it has the whole time-out anew.
  [[nodiscard]] std::optional<CreditGrant> give_credit(proto::CallId id, TimePoint now);
  /// Notes which message of its connection carries a call's latest credits.
  void credit_sent_as(proto::CallId id, MessageNumber message, std::uint32_t parts);
  /// Ends one call for the given reason; nothing when it has ended already.
  [[nodiscard]] std::optional<EndedCall> end(proto::CallId id, CallEnd reason);
  /// Ends every call, in no order; the connections stay. At most `most`, as for `leave`.
  [[nodiscard]] std::vector<EndedCall> end_all(CallEnd reason, std::size_t most = SIZE_MAX);
  /// Ends the calls whose deadline has passed, at `now` or before: as timed out or, when the service waited
  /// for credit, as those of slow callers. At most `most`, as for `leave`.
  [[nodiscard]] std::vector<EndedCall> expire(TimePoint now, std::size_t most = SIZE_MAX);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return deadlines_.next(); }

  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] std::size_t calls_on(proto::ConnectionId connection) const;
  /// Of the connection that has the most.
  [[nodiscard]] std::size_t most_calls_on_one() const;

 private:
  using Deadlines = DeadlineTable<proto::CallId>;
  struct PendingCall {
    proto::CallId id{};
    CallerRef caller;
    proto::ConnectionId connection{};
    MessageNumber message{};
    Duration timeout{};
    Duration patience{};
    TimePoint began{};
    Deadlines::Handle deadline{};
    proto::PartTracker parts;
    bool part_came = false;
    Pacing pacing = Pacing::none;
    PartCredit credit;
    bool waits_for_credit = false;
    std::uint32_t credit_parts = 0;  ///< in `credit_message`
    MessageNumber credit_message{};
  };
  /// A call lives in the list of its connection, so that the end of one connection costs what its calls cost.
  using CallList = std::list<PendingCall>;
  using Calls = std::unordered_map<proto::CallId, CallList::iterator>;
  struct Member {
    std::list<proto::ConnectionId>::iterator place;  ///< in `order_`
    bool listed = false;                             ///< else it has left and not all of its calls have ended
    Pacing pacing = Pacing::none;
    CallList calls;
  };

  [[nodiscard]] boost::system::result<proto::ConnectionId, CallRefusal> choose(
      CallRequest const& request) const;
  [[nodiscard]] AnswerDecision accept(CallList::iterator call, proto::Answer const& answer, TimePoint now);
  /// Gives it the whole time-out from now on.
  void start_deadline(PendingCall& call, TimePoint now);
  [[nodiscard]] AnswerDecision end_bad(CallList::iterator call, std::string fault);
  [[nodiscard]] static EndedCall ended(PendingCall const& call, CallEnd reason);
  /// Takes a call out everywhere.
  void remove(CallList::iterator call);
  [[nodiscard]] EndedCall take(CallList::iterator call, CallEnd reason);

  std::size_t const call_limit_;
  std::size_t const connection_call_limit_;
  CallIdSource const next_call_id_;
  std::list<proto::ConnectionId> order_;
  std::unordered_map<proto::ConnectionId, Member> members_;
  Calls calls_;
  Deadlines deadlines_;
};

}  // namespace reachback::core
