#pragma once

#include <deque>
#include <functional>
#include <string>

#include "bench/io/loop.hpp"
#include "bench/load/latencies.hpp"
#include "bench/load/nonce.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// Small calls at a steady rate, whether or not the ones before were answered: what is slow holds up no later
/// one, and each latency counts from when the call should have been sent.
class SteadyCalls {
 public:
  SteadyCalls(Loop& loop, Options const& options, std::string endpoint);

  struct Result {
    Latencies latencies;
    Latencies lateness;  ///< of the sending: what is the load tool's fault
  };
  /// Asks until `over`, and returns when all are answered.
  Result run(std::function<bool()> const& over);

 private:
  class OneCaller;
  void ask_what_is_due(Clock::time_point now);
  [[nodiscard]] OneCaller& free_caller();

  Loop& loop_;
  Options options_;
  std::string endpoint_;
  NonceSource nonces_;
  /// Connections without a call; the loop owns them all. The longest unused is the next, so that none is
  /// closed as idle.
  std::deque<OneCaller*> free_;
  std::size_t waiting_ = 0;  ///< calls without answer
  Clock::time_point next_{};
  Result* result_ = nullptr;
};

}  // namespace reachback::bench
