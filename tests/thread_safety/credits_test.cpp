// Services that wait for credit, callers that take parts or hang up, and connections that are closed.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <vector>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::milliseconds;

namespace {

constexpr unsigned parts = 6;
constexpr unsigned unasked_parts = 2;
constexpr int callers = 3;
constexpr int calls_each = 40;

/// A service on a thread of its own that sends each part of an answer when it has credit for it, and joins
/// again whenever it is closed.
class PacedPeer {
 public:
  explicit PacedPeer(std::uint16_t port)
      : thread_([this, port] {
          while (!stopped_) serve(port);
        }) {}
  ~PacedPeer() {
    stopped_ = true;
    thread_.join();
  }

 private:
  void serve(std::uint16_t port) try {
    ScriptedService service(port, "wsData", Window::usual, "test", "reachback.v1");
    std::unordered_map<CallId, unsigned> sent;
    while (true) {
      auto const message = service.read_text();
      auto const call = call_id_in(message);
      if (message.find(R"("cmd":"cancel")") != std::string::npos) {
        sent.erase(call);
      } else if (message.find(R"("cmd":"credit")") != std::string::npos) {
        if (sent.contains(call)) send_parts(service, call, sent[call], number_in(message, R"("parts":)"));
      } else if (call != CallId{}) {
        send_parts(service, call, sent[call], unasked_parts);
      }
    }
  } catch (std::runtime_error const&) {
    // Closed, or refused by a gateway that ends.
    std::this_thread::yield();
  }

  static void send_parts(ScriptedService& service, CallId call, unsigned& sent, unsigned long allowed) {
    for (; allowed != 0 && sent < parts; --allowed) service.send_text(part_of(call, {++sent, parts}));
  }

  static unsigned long number_in(std::string_view message, std::string_view key) {
    return std::stoul(std::string(message.substr(message.find(key) + key.size())));
  }

  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("paced answers come whole or end once while callers hang up and connections are closed") {
  GatewayFixture gateway(config_with_threads(4));
  std::atomic<int> whole{0}, cut{0}, hung_up{0};
  {
    PacedPeer peers[] = {PacedPeer(gateway.port()), PacedPeer(gateway.port())};
    CHECK(wait_until([&] { return !gateway.state().connections("wsData")->empty(); }));
    std::vector<std::jthread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < calls_each; ++n) {
          auto caller = gateway.caller();
          caller.call(request_text, as_lines);
          if (n % 4 == i) {
            if (n % 8 == i) (void)caller.read_head();
            caller.stream().reset();
            ++hung_up;
            continue;
          }
          auto const answer = caller.read_answer();
          bool const is_whole =
              answer.status == 200 && count_lines(answer.body) == parts && !answer.says(R"("status":499)");
          ++(is_whole ? whole : cut);
          // Whoever was answered has all connections closed now and then.
          if (n % 10 == 9) (void)gateway.state().close_all_connections();
        }
      });
    }
    threads.clear();
    CHECK(whole + cut + hung_up == callers * calls_each);
    CHECK(whole > 0);
    CHECK(gateway.pending_becomes(0));
    CHECK(gateway.budgets_return());
    gateway.gateway().stop_now();
  }
}
