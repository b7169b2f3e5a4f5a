#pragma once

#include <string_view>

#include "bench/load/bulk_answer.hpp"
#include "bench/load/caller.hpp"
#include "bench/load/latencies.hpp"

namespace reachback::bench {

/// Asks for a bulk answer once and checks each byte of it, taking so much per second as `--read-mib` says.
class BulkCaller final : public Caller {
 public:
  BulkCaller(Loop& loop, Options const& options, BulkAnswer const& answer);

  [[nodiscard]] bool ended() const { return ended_; }

 protected:
  void on_body(std::string_view bytes) override;
  void on_answered() override;
  /// While less came than the time allows.
  [[nodiscard]] bool may_read() const override;

 private:
  ExpectedAnswer expected_;
  double bytes_per_second_;  ///< of the body; 0: any
  Clock::time_point began_ = Clock::now();
  double taken_ = 0;
  bool ended_ = false;
};

}  // namespace reachback::bench
