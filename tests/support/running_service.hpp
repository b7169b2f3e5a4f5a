#pragma once

#include <future>
#include <thread>
#include <utility>

#include "reachback/remote_service.hpp"
#include "support/scripted_gateway.hpp"

namespace reachback::test {

/// How a service of the tests reaches the scripted gateway: with a token, and without long pauses.
inline RemoteServiceConfig service_config(ScriptedGateway const& gateway) {
  RemoteServiceConfig config;
  config.port = gateway.port();
  config.token = "secret";
  config.first_retry = std::chrono::milliseconds(1);
  config.longest_retry = std::chrono::milliseconds(2);
  return config;
}

/// A remote service that runs on a thread of its own; stopped and joined when it dies.
class RunningService {
 public:
  RunningService(RemoteServiceConfig config, ServiceFunction function)
      : service_(std::move(config), std::move(function)),
        thread_([this] { result_.set_value(service_.run()); }) {}
  ~RunningService() {
    service_.stop();
    thread_.join();
  }
  RunningService(RunningService const&) = delete;
  RunningService& operator=(RunningService const&) = delete;

  void stop() { service_.stop(); }
  /// What `run` returned; waits for it. Once.
  [[nodiscard]] bool result() { return result_.get_future().get(); }

 private:
  RemoteService service_;
  std::promise<bool> result_;
  std::thread thread_;
};

}  // namespace reachback::test
