#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/deadline_table.hpp"
#include "reachback/proto/problem.hpp"

namespace reachback::gateway {

/// How a call ended for its caller: answered, given up by the caller, or a problem.
class Outcome {
 public:
  static constexpr std::size_t count = static_cast<std::size_t>(proto::Problem::internal) + 3;

  [[nodiscard]] static Outcome answered() { return Outcome(count - 2); }
  [[nodiscard]] static Outcome cancelled() { return Outcome(count - 1); }
  [[nodiscard]] static Outcome failed(proto::Problem problem) {
    return Outcome(static_cast<std::size_t>(problem));
  }

  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  explicit Outcome(std::size_t index) : index_(index) {}
  std::size_t index_;
};

/// What one shard's callers saw of one endpoint's calls: plain counters of that shard, added up at the
/// scrape.
struct CallMetrics {
  static constexpr std::array<double, 14> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  10,    60};

  std::array<std::uint64_t, Outcome::count> outcomes{};
  std::array<std::uint64_t, bounds.size() + 1> durations{};
  double duration_sum = 0;

  void ended(Outcome outcome, core::Duration took);
  void add(CallMetrics const& other);
};

/// Why a message of a connection was dropped.
enum class DropReason : std::uint8_t {
  not_an_object,
  bad_json,
  too_deep,
  bad_cmd,
  bad_status,
  bad_call_id,
  not_utf8,
  unknown_call,
  wrong_connection,
  duplicate_part,
  not_allowed,  ///< on a broadcast endpoint, without the scope `send`
  count,
};

/// With dashes, as the metric's label has it.
[[nodiscard]] std::string_view to_string(DropReason reason);
[[nodiscard]] std::string_view name_of_outcome(std::size_t index);

}  // namespace reachback::gateway
