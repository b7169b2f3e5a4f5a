#include <fmt/format.h>

#include "async/run_on.hpp"
#include "gateway/configured_bound.hpp"
#include "gateway/metrics_text.hpp"
#include "gateway/routes.hpp"
#include "gateway/version.hpp"
#include "reachback/proto/problem.hpp"

namespace reachback::gateway {
namespace {

BudgetScrape scrape_of(std::string name, core::Budget const& budget) {
  return {std::move(name), budget.used(), budget.limit()};
}

void read_limits(Scrape& scrape, Core& core) {
  scrape.budgets = {scrape_of("connections", core.regular_connections()),
                    scrape_of("event-streams", core.event_streams()),
                    scrape_of("bodies", core.body_budget()),
                    scrape_of("receive", core.receive_budget()),
                    scrape_of("parts", core.parts_budget()),
                    scrape_of("outboxes", core.outboxes_budget()),
                    scrape_of("logins", core.login_desk().waiting())};
  for (std::size_t i = 0; i < scrape.limits.size(); ++i)
    scrape.limits[i] = configured(static_cast<core::Bound>(i), core.config());
  // Its setting may leave it to the gateway.
  scrape.limits[static_cast<std::size_t>(core::Bound::connection_limit)] =
      static_cast<double>(core.regular_connections().limit());
}

/// What one shard counted.
struct ShardFigures {
  std::vector<CallMetrics> calls;
  core::Refusals refusals;
};

async::Task<> read_shards(Scrape& scrape, Core& core) {
  for (std::size_t i = 0; i < core.shards(); ++i) {
    auto read = [&scope = core.scope(i)] { return ShardFigures{scope.calls, scope.refusals}; };
    auto const shard = co_await async::run_on(core.scope(i).shard, std::move(read));
    scrape.refusals.add(shard.refusals);
    for (std::size_t e = 0; e < shard.calls.size() && e < scrape.endpoints.size(); ++e)
      scrape.endpoints[e].calls.add(shard.calls[e]);
  }
  auto most = [&core] { return core.admission().addresses().most(); };
  scrape.most_of_address = co_await async::run_on(core.scope(0).shard, std::move(most));
}

}  // namespace

async::Task<> serve_live(Exchange& exchange) { co_await exchange.respond_text(200, "alive\n"); }

async::Task<> serve_ready(Exchange& exchange) {
  bool const ready = exchange.core.phase() == Core::Phase::ready;
  co_await exchange.respond_text(ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

async::Task<> serve_version(Exchange& exchange) {
  co_await exchange.respond_json(fmt::format(R"({{"name":"reachback","version":"{}"}})"
                                             "\n",
                                             version));
}

async::Task<> serve_metrics(Exchange& exchange) {
  Core& core = exchange.core;
  Scrape scrape;
  for (auto const& endpoint : core.endpoints()) {
    auto read = [&endpoint = *endpoint] { return endpoint.figures(); };
    EndpointScrape one;
    one.name = endpoint->name();
    one.figures = co_await async::run_on(endpoint->shard(), std::move(read));
    scrape.endpoints.push_back(std::move(one));
  }
  co_await read_shards(scrape, core);
  read_limits(scrape, core);
  scrape.started_at = core.started_at();
  scrape.certificate_expires = core.tls().expires();
  net::HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(scrape);
  co_await exchange.respond(std::move(response));
}

async::Task<> serve_problem_page(Exchange& exchange) {
  auto const problem = proto::problem_by_name(exchange.captures.at(0));
  if (!problem) {
    co_await exchange.refuse(Problem::not_found, "there is no problem of that name");
    co_return;
  }
  co_await exchange.respond_text(
      200, fmt::format("{} ({}, HTTP {})\n\n{}\n", proto::title_of(*problem), proto::name_of(*problem),
                       proto::http_status_of(*problem), proto::explanation_of(*problem)));
}

}  // namespace reachback::gateway
