#include "client/credit_window.hpp"

#include <utility>

namespace reachback::client {

void CreditWindow::ask(std::size_t bytes, Reply reply) {
  waiting_.push_back({bytes, std::move(reply)});
  deal();
}

void CreditWindow::give_back(std::size_t bytes) {
  used_ -= bytes;
  deal();
}

void CreditWindow::turn_away() {
  for (Waiting& waiting : std::exchange(waiting_, {})) waiting.reply(Verdict::gone);
}

void CreditWindow::deal() {
  while (!waiting_.empty() && fits(waiting_.front().bytes)) {
    Waiting const next = std::move(waiting_.front());
    waiting_.pop_front();
    used_ += next.bytes;
    next.reply(Verdict::granted);
  }
}

}  // namespace reachback::client
