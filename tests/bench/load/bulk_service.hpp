#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/bulk_answer.hpp"
#include "bench/load/latencies.hpp"
#include "bench/load/service.hpp"

namespace reachback::bench {

/// A service that answers a call of `parts` with a bulk answer: the next part when the last one is with the
/// kernel, and with `--credits` as far as the gateway has allowed it. It echoes small calls as any service
/// does, and pings every second.
class BulkService final : public Service {
 public:
  BulkService(Loop& loop, Options const& options, BulkAnswer const& answer);

  /// To be called after each turn; returns when it wants to be called again at the latest.
  Clock::time_point step();

  struct Ping {
    Clock::time_point due;
    std::optional<Clock::time_point> answered;
  };
  [[nodiscard]] std::vector<Ping> const& pings() const { return pings_; }

 protected:
  void on_message(std::string_view text) override;
  void on_pong(std::string_view payload) override;
  void answer_in_parts(std::string_view call_id, std::string_view nonce) override;

 private:
  [[nodiscard]] bool part_is_due() const;
  void take_credit(std::string_view text);

  BulkAnswer const& answer_;
  bool credits_;
  std::string call_id_, nonce_;  ///< of the call that is being answered
  std::size_t sent_ = 0, allowed_ = 0;
  Clock::time_point next_ping_ = Clock::now();
  std::vector<Ping> pings_;
};

}  // namespace reachback::bench
