#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "async/task.hpp"

namespace reachback::async {

/// Wakes the one coroutine that waits; a notification that nobody waits for is kept, but only one. For use on
/// one shard. Whoever waits is joined before the shard ends: nothing else ends the wait. Not a channel of
/// Asio's: this is woken for every message, and a channel costs four times as much.
class Signal {
 public:
  explicit Signal(Executor executor) : executor_(executor) {}
  Signal(Signal const&) = delete;
  Signal& operator=(Signal const&) = delete;

  /// The waiter goes on in the next turn of the loop, not inside this call.
  void notify() {
    notified_ = true;
    wake();
  }

  /// The waiter goes on inside this call, and may destroy whatever holds the signal: for the last line of
  /// what the loop itself has called. It spares each request a turn through the loop's queue.
  void notify_at_once() {
    notified_ = !waiter_;
    if (waiter_) resume(*std::exchange(waiter_, std::nullopt));
  }

  /// Returns after a notification, or when the coroutine is cancelled: the waiter checks its condition in a
  /// loop.
  [[nodiscard]] Task<> wait() {
    return suspend([this](Waiter waiter) { enter(std::move(waiter)); });
  }

 private:
  void enter(Waiter waiter) {
    auto slot = asio::get_associated_cancellation_slot(waiter);
    if (slot.is_connected()) slot.assign([this](asio::cancellation_type) { wake(); });
    waiter_.emplace(std::move(waiter));
    if (notified_) wake();
  }

  void wake() {
    if (!waiter_) return;
    notified_ = false;
    asio::post(executor_, [waiter = std::move(*waiter_)]() mutable { resume(std::move(waiter)); });
    waiter_.reset();
  }

  static void resume(Waiter waiter) {
    // Here and not in `wake`, which may have been called from inside the slot's function.
    auto slot = asio::get_associated_cancellation_slot(waiter);
    if (slot.is_connected()) slot.clear();
    std::move(waiter)();
  }

  Executor executor_;
  std::optional<Waiter> waiter_;
  bool notified_ = false;
};

}  // namespace reachback::async
