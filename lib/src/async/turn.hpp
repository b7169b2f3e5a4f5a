#pragma once

#include <chrono>

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

}  // namespace reachback::async
