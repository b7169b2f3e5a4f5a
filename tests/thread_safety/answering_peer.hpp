#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

namespace reachback::test {

/// A service on a thread of its own: joins, answers some calls in every way that there is, leaves, and joins
/// again. It stops when it is told to and its connection brings something, at the latest the close.
class AnsweringPeer {
 public:
  AnsweringPeer(std::uint16_t port, std::string_view endpoint)
      : thread_([this, port, endpoint] {
          while (!stopped_) serve(port, endpoint);
        }) {}
  ~AnsweringPeer() { stop(); }

  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  static constexpr int calls_until_it_leaves = 25;

  void serve(std::uint16_t port, std::string_view endpoint) try {
    ScriptedService service(port, endpoint);
    for (int i = 0; i < calls_until_it_leaves && !stopped_; ++i) {
      auto const call = service.read_call();
      if (call.id != CallId{}) answer(service, call.id);
    }
  } catch (std::runtime_error const&) {
    // Closed, or refused by a gateway that ends.
    std::this_thread::yield();
  }

  static void answer(ScriptedService& service, CallId call) {
    switch (to_number(call) % 6) {
      case 0:  // never
        return;
      case 1:
        service.send_text(part_of(call, {2, 2}));
        service.send_text(part_of(call, {1, 2}));
        return;
      case 2:
        service.send_text(answer_to(call));
        service.send_text(answer_to(call));
        return;
      case 3:
        service.send_text(part_of(call, {1, 2}));
        service.send_text(part_of(call, {7, 2}));
        return;
      default:
        service.send_text(answer_to(call));
    }
  }

  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace reachback::test
