#include "support/gateway_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "gateway/core.hpp"
#include "support/wait_until.hpp"

namespace reachback::test {

Config config_with_threads(unsigned threads) {
  Config config;
  config.address = "127.0.0.1";
  config.port = 0;
  config.threads = threads;
  config.test_mode = true;
  // A test that moves the clock has nobody answer pings unless they are its subject.
  config.timeouts.ping = std::chrono::hours(10);
  config.timeouts.silence = std::chrono::hours(20);
  return config;
}

GatewayFixture::GatewayFixture(Config config, std::initializer_list<BaseWebSocketHandler*> handlers) {
  config.log = [this](LogLevel, std::string_view text) {
    std::scoped_lock const lock(log_mutex_);
    log_.emplace_back(text);
  };
  gateway_.emplace(std::move(config), clock_);
  for (auto* const handler : handlers) gateway_->add_handler(*handler);
  gateway_->start();
}

GatewayFixture::~GatewayFixture() {
  stop();
  auto& core = gateway_->core();
  CHECK(core.parts_budget().used() == 0);
  CHECK(core.outboxes_budget().used() == 0);
  CHECK(core.regular_connections().used() == 0);
  CHECK(core.all_connections().used() == 0);
  CHECK(core.event_streams().used() == 0);
  CHECK(core.body_budget().used() == 0);
  CHECK(core.receive_budget().used() == 0);
  CHECK(core.admission().addresses().most() == 0);
}

ScriptedService GatewayFixture::service(std::string_view endpoint, Window window) const {
  return {port(), endpoint, window};
}

ScriptedService GatewayFixture::paced_service(Window window) const {
  return {port(), "wsData", window, "test", "reachback.v1"};
}

ScriptedCaller GatewayFixture::caller(Window window) const { return ScriptedCaller(port(), window); }

std::uint64_t GatewayFixture::metric(std::string_view name) const {
  auto page = caller();
  std::string const text = page.get("/metrics").body;
  std::string const wanted = "\n" + std::string(name) + " ";
  auto const at = text.find(wanted);
  return at == std::string::npos ? 0
                                 : static_cast<std::uint64_t>(std::stod(text.substr(at + wanted.size(), 24)));
}

bool GatewayFixture::metric_becomes(std::string_view name, std::uint64_t value) const {
  return wait_until([&] { return metric(name) == value; });
}

bool GatewayFixture::ended_becomes(std::string_view outcome, std::uint64_t value) const {
  return metric_becomes(R"(reachback_calls_total{endpoint="wsData",outcome=")" + std::string(outcome) + "\"}",
                        value);
}

bool GatewayFixture::pending_becomes(std::uint64_t value) const {
  return metric_becomes(R"(reachback_calls_in_flight{endpoint="wsData"})", value);
}

bool GatewayFixture::dropped_becomes(std::string_view reason, std::uint64_t value) const {
  return metric_becomes(
      R"(reachback_dropped_messages_total{endpoint="wsData",reason=")" + std::string(reason) + "\"}", value);
}

bool GatewayFixture::budgets_return() const {
  return metric_becomes(R"(reachback_budget_used{budget="parts"})", 0) &&
         metric_becomes(R"(reachback_budget_used{budget="outboxes"})", 0);
}

bool GatewayFixture::logged(std::string_view text) const {
  std::scoped_lock const lock(log_mutex_);
  return std::any_of(log_.begin(), log_.end(),
                     [&](auto const& line) { return line.find(text) != std::string::npos; });
}

void GatewayFixture::join() {
  if (std::exchange(joined_, true)) return;
  auto const over = std::async(std::launch::async, [this] { gateway_->wait(); });
  auto const end = std::chrono::steady_clock::now() + patience;
  while (over.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    advance(std::chrono::milliseconds(100));
    if (std::chrono::steady_clock::now() < end) continue;
    // Its threads cannot be ended from here, so the test program cannot go on.
    std::fputs("the gateway does not end\n", stderr);
    std::abort();
  }
}

void GatewayFixture::stop() {
  gateway_->stop_now();
  join();
}

}  // namespace reachback::test
