#pragma once

#include <boost/asio/post.hpp>
#include <chrono>

#include "async/task.hpp"

namespace reachback::async {

/// One turn of a shard's loop, begun when it is made: who has more to do than fits in takes the rest up in
/// another turn, so that nothing holds the shard longer than about a millisecond. By the system's clock,
/// whatever clock the shard follows.
class Turn {
 public:
  [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() - began_ >= length; }

 private:
  static constexpr auto length = std::chrono::microseconds(500);
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Lets everything else on the shard have its turn.
[[nodiscard]] inline Task<> yield(Executor executor) { co_await asio::post(executor, use_task); }

}  // namespace reachback::async
