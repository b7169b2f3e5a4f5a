#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "bench/io/loop.hpp"
#include "bench/load/latencies.hpp"
#include "bench/load/options.hpp"
#include "bench/load/report.hpp"
#include "bench/load/server_usage.hpp"

namespace reachback::bench {

/// Watches a server while operations (calls, deliveries) are done: a warm-up, then the measured time.
class Meter {
 public:
  explicit Meter(Options const& options) : options_(options) {}

  /// An operation, or several of one kind, ended well; `began` is when it was begun.
  void ended(Clock::time_point began, std::size_t operations = 1);

  /// Turns the loop until the measured time is over, with `after_turn` after each. Throws std::runtime_error
  /// when nothing ends any more.
  void run(Loop& loop, std::function<void()> const& after_turn = [] {});

  void add_to(Report& report);

 private:
  enum class Phase : std::uint8_t { warm_up, measured, over };
  void step();
  void begin();
  void finish();

  Options options_;
  Phase phase_ = Phase::warm_up;
  Clock::time_point phase_began_{}, last_ended_{}, finished_{};
  ServerUsage before_, after_;
  std::size_t operations_ = 0, all_ = 0;
  std::size_t warm_up_ = 0;  ///< operations of it
  Latencies latencies_;
};

}  // namespace reachback::bench
