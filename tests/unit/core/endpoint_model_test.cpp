#include <doctest/doctest.h>

#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "core/endpoint_state.hpp"
#include "scripted_answers.hpp"

using namespace reachback;
using namespace reachback::core;
using namespace reachback::core::testing;
using Action = AnswerDecision::Action;

namespace {

/// Drives an endpoint at random beside a model that only knows which calls are open and where they went.
class Play {
 public:
  explicit Play(unsigned seed) : random_(seed) {}

  void step() {
    now_ += Duration(std::chrono::milliseconds(below(50)));
    switch (below(12)) {
      case 0:
        join();
        break;
      case 1:
        leave();
        break;
      case 2:
        end();
        break;
      case 3:
        expire();
        break;
      case 4:
        if (below(50) == 0) close(state_.end_all(CallEnd::shut_down), CallEnd::shut_down);
        break;
      case 5:
      case 6:
      case 7:
        answer();
        break;
      default:
        begin();
        break;
    }
    check();
  }

  void finish() {
    close(state_.end_all(CallEnd::shut_down), CallEnd::shut_down);
    check();
    CHECK(begun_ == ended_);
    CHECK(open_.empty());
  }

  [[nodiscard]] std::size_t begun() const { return begun_; }

 private:
  struct Open {
    proto::ConnectionId connection;
    std::uint32_t count;
    std::set<std::uint32_t> parts;
    TimePoint deadline;
    Duration timeout;
  };

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  void join() {
    if (joined_.size() >= 8) return;
    proto::ConnectionId const id{++last_connection_};
    joined_.push_back(id);
    state_.join(id);
  }

  void leave() {
    if (joined_.empty()) return;
    auto const at = joined_.begin() + below(static_cast<std::uint32_t>(joined_.size()));
    proto::ConnectionId const id = *at;
    joined_.erase(at);
    std::size_t const expected = state_.calls_on(id);
    auto const ended = state_.leave(id);
    CHECK(ended.size() == expected);
    for (auto const& call : ended) CHECK(call.connection == id);
    close(ended, CallEnd::connection_closed);
  }

  void begin() {
    Duration const timeout = std::chrono::milliseconds(1 + below(3000));
    CallRequest request = to_newest(static_cast<std::uint32_t>(begun_), timeout);
    if (!joined_.empty() && below(3) == 0) request.connection = pick_connection();
    auto const placed = state_.begin(request, now_);
    REQUIRE(placed.has_value() == (!joined_.empty() && open_.size() < limit));
    if (!placed) return;
    CHECK(placed->connection == request.connection.value_or(joined_.back()));
    bool const fresh =
        open_.emplace(placed->id, Open{placed->connection, 1 + below(4), {}, now_ + timeout, timeout}).second;
    CHECK(fresh);
    ++begun_;
  }

  void answer() {
    if (open_.empty()) return;
    auto const call = pick_call();
    if (below(20) == 0) return answer_badly(call->first, call->second.connection);
    if (below(10) == 0) return answer_from_elsewhere(call->first);
    Open& open = call->second;
    std::uint32_t const id = 1 + below(open.count);
    bool const fresh = open.parts.insert(id).second;
    bool const last = fresh && open.parts.size() == open.count;
    if (fresh) open.deadline = now_ + open.timeout;
    auto const decision = state_.answer(open.connection, part(call->first, id, open.count), now_);
    CHECK(decision.action == (last    ? Action::deliver_last
                              : fresh ? Action::deliver
                                      : Action::drop_duplicate));
    if (last) close(call->first);
  }

  void answer_badly(proto::CallId id, proto::ConnectionId from) {
    auto const decision = state_.answer(from, out_of_range(id), now_);
    CHECK(decision.action == Action::end_bad);
    REQUIRE(decision.ended.has_value());
    close({*decision.ended}, CallEnd::bad_answer);
  }

  void answer_from_elsewhere(proto::CallId id) {
    proto::ConnectionId const stranger{last_connection_ + 1};
    CHECK(state_.answer(stranger, whole(id), now_).action == Action::drop_wrong_connection);
  }

  void end() {
    if (open_.empty()) return;
    proto::CallId const id = pick_call()->first;
    auto const ended = state_.end(id, CallEnd::cancelled);
    REQUIRE(ended.has_value());
    close({*ended}, CallEnd::cancelled);
    CHECK_FALSE(state_.end(id, CallEnd::cancelled).has_value());
    CHECK(state_.answer(ended->connection, whole(id), now_).action == Action::drop_unknown_call);
  }

  void expire() {
    std::size_t due = 0;
    for (auto const& [id, open] : open_) due += open.deadline <= now_ ? 1 : 0;
    auto const ended = state_.expire(now_);
    CHECK(ended.size() == due);
    close(ended, CallEnd::timed_out);
  }

  void close(std::vector<EndedCall> const& ended, CallEnd reason) {
    for (auto const& call : ended) {
      CHECK(call.end == reason);
      auto const open = open_.find(call.id);
      REQUIRE(open != open_.end());
      CHECK(call.part_came == !open->second.parts.empty());
      close(call.id);
    }
  }
  void close(proto::CallId id) {
    CHECK(open_.erase(id) == 1);
    ++ended_;
  }

  void check() {
    CHECK(state_.calls() == begun_ - ended_);
    CHECK(state_.calls() == open_.size());
    CHECK(state_.next_deadline() == earliest());
    CHECK(std::vector(state_.connections().begin(), state_.connections().end()) == joined_);
    std::size_t calls = 0;
    for (auto const id : joined_) calls += state_.calls_on(id);
    CHECK(calls == open_.size());
  }

  [[nodiscard]] std::optional<TimePoint> earliest() const {
    std::optional<TimePoint> found;
    for (auto const& [id, open] : open_) {
      if (!found || open.deadline < *found) found = open.deadline;
    }
    return found;
  }

  proto::ConnectionId pick_connection() { return joined_[below(static_cast<std::uint32_t>(joined_.size()))]; }
  std::map<proto::CallId, Open>::iterator pick_call() {
    return std::next(open_.begin(), below(static_cast<std::uint32_t>(open_.size())));
  }

  static constexpr std::size_t limit = 30;

  std::mt19937 random_;
  TimePoint now_ = start;
  EndpointState state_{limit, &next_call_id};
  std::vector<proto::ConnectionId> joined_;
  std::uint64_t last_connection_ = 0;
  std::map<proto::CallId, Open> open_;
  std::size_t begun_ = 0, ended_ = 0;
};

}  // namespace

TEST_SUITE("endpoint state: model") {
  TEST_CASE("in thousands of random operations every begun call ends exactly once") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      Play play(seed);
      for (int step = 0; step < 2000; ++step) play.step();
      play.finish();
      CHECK(play.begun() > 100);
    }
  }
}
