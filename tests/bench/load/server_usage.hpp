#pragma once

#include <cstddef>
#include <cstdint>

namespace reachback::bench {

/// What a process has used so far, as /proc tells it.
struct ServerUsage {
  std::uint64_t cpu_ns = 0;  ///< of all its threads, by the scheduler's account
  double user_s = 0;         ///< by ticks of 10 ms
  double system_s = 0;
  std::size_t rss_kib = 0;  ///< now
  std::size_t hwm_kib = 0;  ///< at most

  /// All zeros for process 0. Throws std::runtime_error when there is no such process.
  [[nodiscard]] static ServerUsage of(int pid);
};

}  // namespace reachback::bench
