#include "gateway/call_metrics.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace reachback::gateway {

void CallMetrics::ended(Outcome outcome, core::Duration took) {
  ++outcomes[outcome.index()];
  double const seconds = std::chrono::duration<double>(took).count();
  auto const bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  ++durations[static_cast<std::size_t>(std::distance(bounds.begin(), bucket))];
  duration_sum += seconds;
}

void CallMetrics::add(CallMetrics const& other) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i] += other.outcomes[i];
  for (std::size_t i = 0; i < durations.size(); ++i) durations[i] += other.durations[i];
  duration_sum += other.duration_sum;
}

std::string_view to_string(DropReason reason) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(DropReason::count)> names{
      "not-an-object", "bad-json",     "too-deep",         "bad-cmd",        "bad-status", "bad-call-id",
      "not-utf8",      "unknown-call", "wrong-connection", "duplicate-part", "not-allowed"};
  return names[static_cast<std::size_t>(reason)];
}

std::string_view name_of_outcome(std::size_t index) {
  if (index == Outcome::answered().index()) return "answered";
  if (index == Outcome::cancelled().index()) return "cancelled";
  return proto::name_of(static_cast<proto::Problem>(index));
}

}  // namespace reachback::gateway
