#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reachback/gateway.hpp"
#include "support/manual_clock.hpp"
#include "support/printing.hpp"
#include "support/scripted_caller.hpp"
#include "support/scripted_service.hpp"

namespace reachback::test {

/// Defaults, but on a free port of the loopback, in test mode, and without pings.
[[nodiscard]] Config config_with_threads(unsigned threads);

/// What tests of the whole gateway are instantiated with: everything works the same on any number of shards.
struct OneShard {
  [[nodiscard]] static Config config() { return config_with_threads(1); }
};
struct FourShards {
  [[nodiscard]] static Config config() { return config_with_threads(4); }
};

/// A gateway that runs on a clock which the test moves. When it dies it has to end, and with everything that
/// was counted against its budgets given back.
class GatewayFixture {
 public:
  explicit GatewayFixture(Config config, std::initializer_list<BaseWebSocketHandler*> handlers = {});
  ~GatewayFixture();

  [[nodiscard]] Gateway& gateway() { return *gateway_; }
  [[nodiscard]] WebSocketState& state() { return gateway_->state(); }
  [[nodiscard]] std::uint16_t port() const { return gateway_->port(); }
  void advance(std::chrono::milliseconds time) { clock_.advance(time); }

  [[nodiscard]] ScriptedService service(std::string_view endpoint = "wsData",
                                        Window window = Window::usual) const;
  /// A service of wsData that speaks `reachback.v1`.
  [[nodiscard]] ScriptedService paced_service(Window window = Window::usual) const;
  [[nodiscard]] ScriptedCaller caller(Window window = Window::usual) const;

  /// A figure of the page of metrics, by name and labels as they stand there; 0 when it is not there.
  [[nodiscard]] std::uint64_t metric(std::string_view name) const;
  [[nodiscard]] bool metric_becomes(std::string_view name, std::uint64_t value) const;
  /// How many calls of wsData have ended so, or are pending; how many of its messages were dropped.
  [[nodiscard]] bool ended_becomes(std::string_view outcome, std::uint64_t value) const;
  [[nodiscard]] bool pending_becomes(std::uint64_t value) const;
  [[nodiscard]] bool dropped_becomes(std::string_view reason, std::uint64_t value) const;
  /// Whether nothing is used of the budgets any more that calls take from.
  [[nodiscard]] bool budgets_return() const;

  [[nodiscard]] bool logged(std::string_view text) const;

  /// Waits for the end that was asked for, while time passes.
  void join();
  /// Ends it now.
  void stop();

 private:
  ManualClock clock_;
  mutable std::mutex log_mutex_;
  std::vector<std::string> log_;
  std::optional<Gateway> gateway_;
  bool joined_ = false;
};

}  // namespace reachback::test
