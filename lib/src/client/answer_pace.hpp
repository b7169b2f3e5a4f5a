#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "core/credit.hpp"

namespace reachback::client {

/// How many parts of one answer the gateway still allows (`reachback.v1`). Pure; lives on the service's
/// shard.
///
/// Who waits is told at the latest when the call is cancelled or its connection leaves: the gateway gives
/// each credit that it owes, or says, also to a part that it does not know, that nobody waits for the answer.
/// So the wait needs no deadline.
class AnswerPace {
 public:
  /// What an answer may send before it asks.
  [[nodiscard]] static std::uint32_t unasked(core::Pacing pacing) {
    return pacing == core::Pacing::none ? std::numeric_limits<std::uint32_t>::max()
                                        : core::PartCredit::unasked;
  }

  /// Told once, maybe from inside the call that asks: so many more parts, all that are allowed. 0: the answer
  /// is to be abandoned.
  using Reply = std::function<void(std::uint32_t)>;

  /// One at a time.
  void ask(Reply reply) {
    waiting_ = std::move(reply);
    deal();
  }
  void credit(std::uint32_t parts) {
    allowed_ += std::min(parts, std::numeric_limits<std::uint32_t>::max() - allowed_);
    deal();
  }
  void cancel() {
    cancelled_ = true;
    deal();
  }

 private:
  void deal() {
    if (!waiting_ || (allowed_ == 0 && !cancelled_)) return;
    auto const reply = std::exchange(waiting_, nullptr);
    reply(cancelled_ ? 0 : std::exchange(allowed_, 0));
  }

  std::uint32_t allowed_ = 0;
  bool cancelled_ = false;
  Reply waiting_;
};

}  // namespace reachback::client
