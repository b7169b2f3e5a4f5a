#pragma once

#include <boost/asio/experimental/basic_channel.hpp>
#include <boost/asio/experimental/channel_traits.hpp>

#include "async/task.hpp"

namespace reachback::async {

/// Wakes the one coroutine that waits; a notification that nobody waits for is kept, but only one. For use on
/// one shard.
class Signal {
 public:
  explicit Signal(Executor executor) : channel_(executor, 1) {}

  void notify() { channel_.try_send(error_code{}); }
  /// Returns after a notification, or when the coroutine is cancelled: the waiter checks its condition in a
  /// loop.
  [[nodiscard]] Task<> wait() { co_await channel_.async_receive(use_task); }

 private:
  asio::experimental::basic_channel<Executor, asio::experimental::channel_traits<>, void(error_code)>
      channel_;
};

}  // namespace reachback::async
