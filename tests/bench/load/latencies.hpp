#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace reachback::bench {

using Clock = std::chrono::steady_clock;

/// How long each of many operations took.
class Latencies {
 public:
  void add(Clock::duration took);
  [[nodiscard]] std::size_t count() const { return took_ns_.size(); }
  /// 0 while there are none; 1 is the longest. Sorts.
  [[nodiscard]] double microseconds(double quantile);

 private:
  std::vector<std::uint64_t> took_ns_;
  bool sorted_ = true;
};

}  // namespace reachback::bench
