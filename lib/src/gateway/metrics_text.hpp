#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bound.hpp"
#include "gateway/call_metrics.hpp"
#include "gateway/endpoint.hpp"

namespace reachback::gateway {

struct EndpointScrape {
  std::string name;
  EndpointFigures figures;
  CallMetrics calls;
};

struct BudgetScrape {
  std::string name;
  std::size_t used = 0, limit = 0;
};

/// What all shards counted, at one moment each.
struct Scrape {
  std::vector<EndpointScrape> endpoints;
  std::vector<BudgetScrape> budgets;
  std::array<double, core::Refusals::bounds> limits{};  ///< by bound
  core::Refusals refusals;
  std::size_t most_of_address = 0;  ///< connections
  std::chrono::system_clock::time_point started_at;
  std::optional<std::chrono::system_clock::time_point> certificate_expires{};
};

/// The Prometheus text format, written by prometheus-cpp.
[[nodiscard]] std::string metrics_text(Scrape const& scrape);

}  // namespace reachback::gateway
