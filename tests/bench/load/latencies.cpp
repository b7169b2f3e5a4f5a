#include "bench/load/latencies.hpp"

#include <algorithm>

namespace reachback::bench {

void Latencies::add(Clock::duration took) {
  took_ns_.push_back(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
  sorted_ = false;
}

double Latencies::microseconds(double quantile) {
  if (took_ns_.empty()) return 0;
  if (!sorted_) std::ranges::sort(took_ns_);
  sorted_ = true;
  auto const last = static_cast<double>(took_ns_.size() - 1);
  return static_cast<double>(took_ns_[static_cast<std::size_t>(quantile * last)]) / 1000;
}

}  // namespace reachback::bench
