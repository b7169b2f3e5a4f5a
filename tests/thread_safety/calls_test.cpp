// Four shards and many threads against each other. What ThreadSanitizer sees is the first result; the second
// is that every call ends exactly once.
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "reachback/request_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"
#include "thread_safety/answering_peer.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::milliseconds;

namespace {

constexpr int callers = 3;
constexpr int calls_each = 60;

/// Threads that do something again and again until the calls have been made.
class Meanwhile {
 public:
  ~Meanwhile() { stop(); }
  void again_and_again(std::function<void()> action) {
    threads_.emplace_back([this, action = std::move(action)] {
      while (!stopped_) {
        action();
        std::this_thread::yield();
      }
    });
  }
  void stop() {
    stopped_ = true;
    threads_.clear();
  }

 private:
  std::atomic<bool> stopped_{false};
  std::vector<std::jthread> threads_;
};

/// Time passes no faster than the gateway answers, so that most calls have the time they need.
void let_time_pass(GatewayFixture& gateway) {
  (void)gateway.metric("any");
  gateway.advance(milliseconds(20));
}

void wait_for_services(GatewayFixture& gateway) {
  CHECK(wait_until([&] { return !gateway.state().connections("wsData")->empty(); }));
}

/// How calls ended, from any thread.
struct Endings {
  std::atomic<int> answered{0}, failed{0}, other{0};
  [[nodiscard]] int all() const { return answered + failed + other; }
};

/// One call with all its parts; counts one ending.
void make_call(RequestHandler& handler, Endings& endings) {
  auto response = handler.do_request(request_text, milliseconds(500));
  while (response && response->incomplete)
    response = handler.get_response(response->call_id, milliseconds(500));
  if (!response) {
    ++endings.failed;
  } else if (response->message.find(R"("status":200)") != std::string::npos) {
    ++endings.answered;
  } else {
    ++endings.other;
  }
}

void make_http_call(GatewayFixture const& gateway, Endings& endings) {
  auto caller = gateway.caller();
  auto const answer = caller.ask(request_text, {.query = "?timeout=0.5", .accept = "application/x-ndjson"});
  ++(answer.status == 200 ? endings.answered : endings.failed);
}

}  // namespace

TEST_CASE("calls by threads and over HTTP each end once while services come and go and time passes") {
  GatewayFixture gateway(config_with_threads(4));
  Endings by_thread, by_http;
  {
    RequestHandler data("wsData", gateway.gateway());
    RequestHandler subject("wsSubject", gateway.gateway());
    AnsweringPeer peers[] = {
        {gateway.port(), "wsData"}, {gateway.port(), "wsData"}, {gateway.port(), "wsSubject"}};
    Meanwhile meanwhile;
    wait_for_services(gateway);
    meanwhile.again_and_again([&] { let_time_pass(gateway); });
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < callers; ++i) {
        threads.emplace_back([&, i] {
          for (int n = 0; n < calls_each; ++n) make_call(i == 0 ? subject : data, by_thread);
        });
        threads.emplace_back([&] {
          for (int n = 0; n < calls_each; ++n) make_http_call(gateway, by_http);
        });
      }
    }
    CHECK(by_thread.all() == callers * calls_each);
    CHECK(by_http.all() == callers * calls_each);
    CHECK(by_thread.answered > 0);
    CHECK(by_http.answered > 0);
    meanwhile.stop();
    CHECK(gateway.pending_becomes(0));
    CHECK(gateway.budgets_return());
    gateway.gateway().stop_now();
  }
}

TEST_CASE("calls end once while everything is closed, pruned, watched and published to") {
  GatewayFixture gateway(config_with_threads(4));
  Endings endings;
  {
    RequestHandler handler("wsData", gateway.gateway());
    AnsweringPeer peers[] = {
        {gateway.port(), "wsData"}, {gateway.port(), "wsUser"}, {gateway.port(), "wsData"}};
    Meanwhile meanwhile;
    wait_for_services(gateway);
    meanwhile.again_and_again([&] { let_time_pass(gateway); });
    meanwhile.again_and_again([&] { (void)gateway.state().send_websocket_message("wsUser", "{}"); });
    meanwhile.again_and_again([&] {
      (void)handler.prune_callbacks();
      (void)handler.prepare_request(request_text);
      for (auto const& name : gateway.state().endpoints()) (void)gateway.state().connections(name);
      handler.close_pending_requests();
    });
    meanwhile.again_and_again([&] {
      auto watcher = gateway.caller();
      watcher.request("GET", "/v1/events");
      CHECK(watcher.read_head().status == 200);
      CHECK_FALSE(watcher.read_chunk().empty());
      (void)gateway.state().close_all_connections();
      CHECK(gateway.caller().get("/v1/endpoints/wsData").status == 200);
    });
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < callers; ++i) {
        threads.emplace_back([&] {
          for (int n = 0; n < calls_each; ++n) make_call(handler, endings);
        });
      }
    }
    CHECK(endings.all() == callers * calls_each);
    meanwhile.stop();
    handler.close_pending_requests();
    CHECK(gateway.pending_becomes(0));
    CHECK(gateway.budgets_return());
    gateway.gateway().stop_now();
  }
}

TEST_CASE("callers that hang up at any moment leave nothing behind") {
  GatewayFixture gateway(config_with_threads(4));
  {
    AnsweringPeer peers[] = {{gateway.port(), "wsData"}, {gateway.port(), "wsData"}};
    Meanwhile meanwhile;
    wait_for_services(gateway);
    meanwhile.again_and_again([&] { let_time_pass(gateway); });
    std::vector<std::jthread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < calls_each; ++n) {
          auto caller = gateway.caller();
          caller.call(request_text, {.query = "?timeout=0.5", .accept = "application/x-ndjson"});
          if (n % 3 == i) (void)caller.read_head();
          if (n % 2 == 0) caller.stream().reset();
        }
      });
    }
    threads.clear();
    meanwhile.stop();
    CHECK(gateway.pending_becomes(0));
    CHECK(gateway.budgets_return());
    gateway.gateway().stop_now();
  }
}
