#include "client/room_window.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace reachback::client {

void RoomWindow::ask(AnswerId const& answer, std::size_t bytes, Reply reply) {
  waiting_.push_back({answer, bytes, std::move(reply)});
  deal();
}

void RoomWindow::give_back(std::size_t bytes) {
  used_ -= bytes;
  deal();
}

void RoomWindow::turn_away(AnswerId const& answer) {
  turn_away_those([&](Waiting const& waiting) { return waiting.answer == answer; });
}

void RoomWindow::turn_away(proto::ConnectionId connection) {
  turn_away_those([&](Waiting const& waiting) { return waiting.answer.connection == connection; });
}

template <class Predicate>
void RoomWindow::turn_away_those(Predicate const& predicate) {
  auto const first = std::stable_partition(waiting_.begin(), waiting_.end(), std::not_fn(predicate));
  std::deque<Waiting> const gone(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  for (Waiting const& waiting : gone) waiting.reply(Verdict::gone);
  // They may have stood in front of others that fit.
  deal();
}

void RoomWindow::deal() {
  while (!waiting_.empty() && fits(waiting_.front().bytes)) {
    Waiting const next = std::move(waiting_.front());
    waiting_.pop_front();
    used_ += next.bytes;
    next.reply(Verdict::granted);
  }
}

}  // namespace reachback::client
