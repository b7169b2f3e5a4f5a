#include "gateway/metrics_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

#include "gateway/version.hpp"

namespace reachback::gateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric::Label label(std::string name, std::string_view value) {
  return {std::move(name), std::string(value)};
}

class Families {
 public:
  MetricFamily& family(std::string name, std::string help, MetricType type) {
    return families_.emplace_back(MetricFamily{std::move(name), std::move(help), type, {}});
  }
  [[nodiscard]] std::vector<MetricFamily> const& all() const { return families_; }

 private:
  std::vector<MetricFamily> families_;
};

void add(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

ClientMetric histogram(Labels labels, CallMetrics const& calls) {
  ClientMetric metric;
  metric.label = std::move(labels);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < calls.durations.size(); ++i) {
    cumulative += calls.durations[i];
    double const bound =
        i < CallMetrics::bounds.size() ? CallMetrics::bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = calls.duration_sum;
  return metric;
}

/// One value for each endpoint.
template <class Read>
void per_endpoint(Families& families, Scrape const& scrape, std::string name, std::string help,
                  MetricType type, Read const& read) {
  auto& family = families.family(std::move(name), std::move(help), type);
  for (auto const& endpoint : scrape.endpoints) {
    add(family, {label("endpoint", endpoint.name)}, static_cast<double>(read(endpoint.figures)));
  }
}

void add_traffic(Families& families, Scrape const& scrape) {
  using Figures = EndpointFigures;
  constexpr auto gauge = MetricType::Gauge;
  constexpr auto counter = MetricType::Counter;
  per_endpoint(families, scrape, "reachback_connections", "Open WebSocket connections.", gauge,
               [](Figures const& f) { return f.connections; });
  per_endpoint(families, scrape, "reachback_connections_opened_total", "WebSocket connections that joined.",
               counter, [](Figures const& f) { return f.opened; });
  per_endpoint(families, scrape, "reachback_calls_in_flight", "Calls that have begun and not ended.", gauge,
               [](Figures const& f) { return f.calls_in_flight; });
  per_endpoint(families, scrape, "reachback_received_bytes_total", "Bytes received over WebSockets.", counter,
               [](Figures const& f) { return f.bytes_in; });
  per_endpoint(families, scrape, "reachback_sent_bytes_total", "Bytes sent over WebSockets.", counter,
               [](Figures const& f) { return f.bytes_out; });
  per_endpoint(families, scrape, "reachback_received_messages_total", "Messages received over WebSockets.",
               counter, [](Figures const& f) { return f.messages_in; });
  per_endpoint(families, scrape, "reachback_sent_messages_total", "Messages sent over WebSockets.", counter,
               [](Figures const& f) { return f.messages_out; });
}

void add_calls(Families& families, Scrape const& scrape) {
  auto& outcomes = families.family("reachback_calls_total", "Calls by how they ended.", MetricType::Counter);
  for (auto const& endpoint : scrape.endpoints) {
    for (std::size_t i = 0; i < endpoint.calls.outcomes.size(); ++i) {
      bool const always = i == Outcome::answered().index();
      if (endpoint.calls.outcomes[i] == 0 && !always) continue;
      add(outcomes, {label("endpoint", endpoint.name), label("outcome", name_of_outcome(i))},
          static_cast<double>(endpoint.calls.outcomes[i]));
    }
  }
  auto& durations =
      families.family("reachback_call_duration_seconds", "From the request's head to the end of its answer.",
                      MetricType::Histogram);
  for (auto const& endpoint : scrape.endpoints) {
    durations.metric.push_back(histogram({label("endpoint", endpoint.name)}, endpoint.calls));
  }
  auto& dropped = families.family("reachback_dropped_messages_total",
                                  "Messages of services that matched nothing.", MetricType::Counter);
  for (auto const& endpoint : scrape.endpoints) {
    for (std::size_t i = 0; i < endpoint.figures.dropped.size(); ++i) {
      add(dropped, {label("endpoint", endpoint.name), label("reason", to_string(static_cast<DropReason>(i)))},
          static_cast<double>(endpoint.figures.dropped[i]));
    }
  }
}

void add_bounds(Families& families, Scrape const& scrape) {
  using Figures = EndpointFigures;
  auto& limits = families.family("reachback_limit", "Each limit by its setting, in pieces, bytes or seconds.",
                                 MetricType::Gauge);
  for (std::size_t i = 0; i < scrape.limits.size(); ++i)
    add(limits, {label("limit", to_string(static_cast<core::Bound>(i)))}, scrape.limits[i]);
  auto& refused = families.family("reachback_refused_total",
                                  "What was refused or ended because it went over a limit, by the setting.",
                                  MetricType::Counter);
  for (std::size_t i = 0; i < core::Refusals::bounds; ++i) {
    auto const bound = static_cast<core::Bound>(i);
    add(refused, {label("limit", to_string(bound))}, static_cast<double>(scrape.refusals.of(bound)));
  }
  add(families.family("reachback_address_connections_max",
                      "Connections of the client address that has the most; 0 without a limit.",
                      MetricType::Gauge),
      {}, static_cast<double>(scrape.most_of_address));
  per_endpoint(families, scrape, "reachback_connection_calls_max",
               "Pending calls of the connection that has the most.", MetricType::Gauge,
               [](Figures const& f) { return f.most_calls; });
  per_endpoint(families, scrape, "reachback_connection_outbox_bytes_max",
               "Bytes that wait for the connection that has the most.", MetricType::Gauge,
               [](Figures const& f) { return f.most_outbox; });
}

void add_process(Families& families, Scrape const& scrape) {
  auto& used = families.family("reachback_budget_used", "What is used of each budget.", MetricType::Gauge);
  for (auto const& budget : scrape.budgets)
    add(used, {label("budget", budget.name)}, static_cast<double>(budget.used));
  auto& limits = families.family("reachback_budget_limit", "The limit of each budget.", MetricType::Gauge);
  for (auto const& budget : scrape.budgets)
    add(limits, {label("budget", budget.name)}, static_cast<double>(budget.limit));
  add(families.family("reachback_build_info", "The version that runs.", MetricType::Gauge),
      {label("version", version)}, 1);
  double const start = std::chrono::duration<double>(scrape.started_at.time_since_epoch()).count();
  add(families.family("reachback_start_time_seconds", "When the gateway was started.", MetricType::Gauge), {},
      start);
  if (!scrape.certificate_expires) return;
  add(families.family("reachback_tls_certificate_expiry_seconds",
                      "When the certificate of the gateway's own TLS expires.", MetricType::Gauge),
      {}, std::chrono::duration<double>(scrape.certificate_expires->time_since_epoch()).count());
}

}  // namespace

std::string metrics_text(Scrape const& scrape) {
  Families families;
  add_traffic(families, scrape);
  add_calls(families, scrape);
  add_bounds(families, scrape);
  add_process(families, scrape);
  return prometheus::TextSerializer().Serialize(families.all());
}

}  // namespace reachback::gateway
