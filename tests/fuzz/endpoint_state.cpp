// An endpoint's decisions beside a model that knows which calls are open, where they went, which of their
// parts have come, what credit their services have and when their time is up. Every call that begins ends
// exactly once.
#include "core/endpoint_state.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "input.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using namespace core;
using proto::CallId;
using proto::ConnectionId;
using Action = AnswerDecision::Action;

constexpr std::size_t call_limit = 12;
constexpr std::size_t most_connections = 5;

CallId next_call_id() {
  static std::uint64_t last = 1000;
  return CallId{++last};
}

class Play {
 public:
  explicit Play(std::string_view input) : script_(input) {}

  void run() {
    while (!script_.empty()) {
      step();
      check();
    }
    close(state_.end_all(CallEnd::shut_down), CallEnd::shut_down);
    expect(begun_ == ended_ && open_.empty(), "every call that began has ended once");
  }

 private:
  struct Open {
    ConnectionId connection;
    std::uint32_t count;
    Duration timeout, patience;
    TimePoint deadline;
    bool paced;
    std::set<std::uint32_t> parts{};
    std::uint32_t credit = 2, promised = 0;
    bool waits = false;
    [[nodiscard]] std::uint32_t missing() const { return count - static_cast<std::uint32_t>(parts.size()); }
  };
  using Calls = std::map<CallId, Open>;

  void step() {
    switch (script_.number(0, 9)) {
      case 0:
        return join();
      case 1:
        return leave();
      case 2:
        return end();
      case 3:
        now_ += std::chrono::milliseconds(script_.number(0, 255) * 8);
        return expire();
      case 4:
        return give_credit();
      case 5:
        return rearm();
      case 6:
      case 7:
        return answer();
      default:
        return begin();
    }
  }

  void join() {
    if (joined_.size() >= most_connections) return;
    ConnectionId const id{++last_connection_};
    bool const paced = script_.flag();
    joined_.push_back(id);
    if (paced) paced_.insert(id);
    state_.join(id, paced ? Pacing::credits : Pacing::none);
    state_.join(id);  // once more changes nothing
  }

  /// In pages, as the endpoint does.
  void leave() {
    if (joined_.empty()) return;
    auto const at = joined_.begin() + script_.number(0, static_cast<std::uint32_t>(joined_.size()) - 1);
    ConnectionId const id = *at;
    joined_.erase(at);
    std::size_t const expected = state_.calls_on(id), most = script_.number(1, 3);
    std::size_t left = 0;
    while (true) {
      auto const page = state_.leave(id, most);
      expect(page.size() <= most, "a page is a page");
      for (auto const& call : page) expect(call.connection == id, "only its own calls end with a connection");
      close(page, CallEnd::connection_closed);
      left += page.size();
      if (page.size() < most) break;
    }
    expect(left == expected, "all calls of a connection end with it");
  }

  void begin() {
    CallRequest request;
    request.timeout = std::chrono::milliseconds(script_.number(1, 1000));
    request.patience = std::chrono::milliseconds(script_.number(1, 1000));
    request.caller.slot = static_cast<std::uint32_t>(begun_);
    if (!joined_.empty() && script_.flag())
      request.connection = joined_[script_.number(0, 9) % joined_.size()];
    auto const placed = state_.begin(request, now_);
    expect(placed.has_value() == (!joined_.empty() && open_.size() < call_limit),
           "a call begins when it may");
    if (!placed) return;
    expect(placed->connection == request.connection.value_or(joined_.back()),
           "a call goes to the newest connection");
    bool const paced = paced_.contains(placed->connection);
    Open open{placed->connection, script_.number(1, 6),   request.timeout,
              request.patience,   now_ + request.timeout, paced};
    expect(open_.emplace(placed->id, std::move(open)).second, "an id is used once");
    ++begun_;
  }

  void answer() {
    auto const call = pick();
    if (call == open_.end()) return;
    auto& [id, open] = *call;
    proto::Answer message;
    message.call_id = id;
    message.status = script_.number(0, 15) == 15 ? 500 : 200;
    message.has_data = script_.number(0, 15) != 15;
    message.position = proto::PartPosition{script_.number(1, open.count), open.count};
    if (script_.number(0, 15) == 15) message.position.reset();
    if (script_.number(0, 15) == 15) {
      auto const strange = state_.answer(ConnectionId{last_connection_ + 1}, message, now_);
      return expect(strange.action == Action::drop_wrong_connection, "only who was asked may answer");
    }
    auto const decision = state_.answer(open.connection, message, now_);
    auto const wanted = judge(open, message);
    expect(decision.action == wanted, "an answer means what the protocol says");
    if (wanted == Action::end_bad) {
      expect(decision.ended.has_value() && !decision.ended->detail.empty(),
             "a bad answer ends its call and says why");
      return close({*decision.ended}, CallEnd::bad_answer);
    }
    if (wanted == Action::deliver_last) return close(id);
    bool const due = open.paced && open.credit + open.promised < open.missing();
    expect(decision.credit_due == due, "a credit is due when its part will be taken and more are missing");
    if (due) ++open.promised;
    if (wanted == Action::drop_duplicate) return;
    open.waits = open.paced && open.credit == 0;
    open.deadline = now_ + (open.waits ? open.patience : open.timeout);
  }

  static Action judge(Open& open, proto::Answer const& message) {
    if (open.paced && message.has_data && message.status == 200) {
      if (open.credit == 0) return Action::end_bad;
      --open.credit;
    }
    if (!message.position) return Action::end_bad;
    bool const error = message.status != 200;
    if (!message.has_data)
      return error || (open.count == 1 && open.parts.empty()) ? Action::deliver_last : Action::end_bad;
    bool const fresh = open.parts.insert(message.position->id).second;
    if (error) return Action::deliver_last;
    if (!fresh) return Action::drop_duplicate;
    return open.missing() == 0 ? Action::deliver_last : Action::deliver;
  }

  void give_credit() {
    auto const call = pick();
    if (call == open_.end()) return;
    Open& open = call->second;
    auto const grant = state_.give_credit(call->first, now_);
    expect(grant.has_value() == (open.promised > 0), "a credit is given once for each promise");
    if (!grant) return;
    --open.promised;
    ++open.credit;
    if (open.waits) open.deadline = now_ + open.timeout;
    open.waits = false;
  }

  void rearm() {
    auto const call = pick();
    Duration const timeout = std::chrono::milliseconds(script_.number(1, 1000));
    if (call == open_.end())
      return expect(!state_.rearm(CallId{1}, timeout, now_), "what has ended has no time");
    expect(state_.rearm(call->first, timeout, now_), "an open call gets another time");
    call->second.timeout = timeout;
    call->second.deadline = now_ + timeout;
    call->second.waits = false;
  }

  void end() {
    auto const call = pick();
    if (call == open_.end()) return;
    CallId const id = call->first;
    auto const ended = state_.end(id, CallEnd::cancelled);
    expect(ended.has_value(), "an open call can be ended");
    close({*ended}, CallEnd::cancelled);
    expect(!state_.end(id, CallEnd::cancelled), "but once only");
  }

  void expire() {
    auto const ended = state_.expire(now_);
    for (auto const& call : ended) {
      auto const open = open_.find(call.id);
      expect(open != open_.end() && open->second.deadline <= now_, "only what is due expires");
      auto const reason = open->second.waits ? CallEnd::slow_caller : CallEnd::timed_out;
      close({call}, reason);
    }
    for (auto const& [id, open] : open_) expect(open.deadline > now_, "all that is due expires");
  }

  void close(std::vector<EndedCall> const& ended, CallEnd reason) {
    for (auto const& call : ended) {
      expect(call.end == reason, "an end has its reason");
      expect(open_.contains(call.id), "a call ends once");
      close(call.id);
    }
  }
  void close(CallId id) {
    open_.erase(id);
    ++ended_;
  }

  void check() {
    expect(state_.calls() == open_.size() && open_.size() <= call_limit, "the calls are the open ones");
    std::optional<TimePoint> earliest;
    for (auto const& [id, open] : open_)
      earliest = std::min(open.deadline, earliest.value_or(TimePoint::max()));
    expect(state_.next_deadline() == earliest, "the next deadline is the earliest");
    expect(std::ranges::equal(state_.connections(), joined_), "connections stand in the order of joining");
    std::size_t calls = 0;
    for (auto const id : joined_) calls += state_.calls_on(id);
    expect(calls == open_.size(), "each call is on a connection");
  }

  Calls::iterator pick() {
    if (open_.empty()) return open_.end();
    return std::next(open_.begin(), script_.number(0, static_cast<std::uint32_t>(open_.size()) - 1));
  }

  Input script_;
  TimePoint now_{std::chrono::hours(1)};
  EndpointState state_{call_limit, &next_call_id};
  std::vector<ConnectionId> joined_;
  std::set<ConnectionId> paced_;
  std::uint64_t last_connection_ = 0;
  Calls open_;
  std::size_t begun_ = 0, ended_ = 0;
};

void run(std::string_view input) { Play(input).run(); }

Registration const registration("endpoint_state", run);

}  // namespace
}  // namespace reachback::fuzz
