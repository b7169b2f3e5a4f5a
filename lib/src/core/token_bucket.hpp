#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "core/deadline_table.hpp"

namespace reachback::core {

/// Allows so many per second, and after a quiet second as many at once. Pure; `now` never goes back.
class TokenBucket {
 public:
  /// At least 1 per second.
  explicit TokenBucket(std::size_t per_second) : interval_(full / static_cast<Duration::rep>(per_second)) {}

  /// Whether one more is allowed now; if so it is counted.
  [[nodiscard]] bool take(TimePoint now) {
    auto const full_at = std::max(full_at_, now) + interval_;
    if (full_at > now + full) return false;
    full_at_ = full_at;
    return true;
  }

 private:
  static constexpr Duration full = std::chrono::seconds(1);

  Duration const interval_;
  TimePoint full_at_{};  ///< when all that were taken are back
};

}  // namespace reachback::core
