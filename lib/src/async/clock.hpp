#pragma once

#include <functional>

#include "core/deadline_table.hpp"

namespace reachback::async {

/// Time as the shards see it. Tests replace it by one that they move by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Callable on any thread.
  [[nodiscard]] virtual core::TimePoint now() const = 0;
  /// A clock that does not run by itself calls `changed` after each of its moves and returns true; a shard
  /// then arms no timer of the system. Called before the shard runs.
  [[nodiscard]] virtual bool moved_by_hand(std::function<void()> changed) = 0;
};

/// std::chrono::steady_clock.
[[nodiscard]] Clock& steady_clock();

}  // namespace reachback::async
