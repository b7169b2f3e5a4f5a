// The end of a gateway at a moment that nobody chose.
#include <doctest/doctest.h>

#include <atomic>
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

constexpr int rounds = 6;

/// Calls of one thread: begun and ended.
struct Count {
  std::atomic<int> begun{0}, ended{0};
};

void call_until_refused(RequestHandler& handler, Count& count) {
  while (true) {
    ++count.begun;
    auto const response = handler.do_request(request_text, milliseconds(500));
    ++count.ended;
    if (!response && response.error().problem == Problem::draining) return;
  }
}

void call_over_http_until_gone(GatewayFixture const& gateway, Count& count) try {
  while (true) {
    auto caller = gateway.caller();
    ++count.begun;
    (void)caller.ask(request_text, {.query = "?timeout=0.5", .accept = "application/x-ndjson"});
    ++count.ended;
  }
} catch (StreamEnded const&) {
  return;
}

void watch_until_gone(GatewayFixture const& gateway) try {
  auto watcher = gateway.caller();
  watcher.request("GET", "/v1/events");
  (void)watcher.read_head();
  while (!watcher.read_chunk().empty()) {}
} catch (StreamEnded const&) {
  return;
}

}  // namespace

TEST_CASE("a gateway that ends under load ends every call, in either way and at any moment") {
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    GatewayFixture gateway(config_with_threads(4));
    RequestHandler handler("wsData", gateway.gateway());
    Count by_thread, by_http;
    {
      AnsweringPeer peers[] = {{gateway.port(), "wsData"}, {gateway.port(), "wsData"}};
      std::vector<std::jthread> threads;
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] { call_until_refused(handler, by_thread); });
        threads.emplace_back([&] { call_over_http_until_gone(gateway, by_http); });
      }
      threads.emplace_back([&] { watch_until_gone(gateway); });
      // Time passes, so that calls which are never answered end.
      CHECK(wait_until([&] {
        (void)gateway.metric("any");
        gateway.advance(milliseconds(20));
        return by_thread.ended > 10 * round && by_http.ended > 5 * round;
      }));
      if (round % 2 == 0) {
        gateway.gateway().stop_now();
      } else {
        gateway.gateway().shut_down(milliseconds(10));
      }
      gateway.join();
    }
    CHECK(by_thread.begun == by_thread.ended);
    // The last HTTP call of each thread may have been cut off with its connection.
    CHECK(by_http.begun - by_http.ended <= 2);
  }
}

TEST_CASE("handlers that are made and die under load end their own calls") {
  GatewayFixture gateway(config_with_threads(4));
  std::atomic<int> ended{0};
  {
    AnsweringPeer peers[] = {{gateway.port(), "wsData"}};
    std::atomic<bool> over{false};
    std::jthread const time([&] {
      while (!over) {
        (void)gateway.metric("any");
        gateway.advance(milliseconds(20));
      }
    });
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
          for (int n = 0; n < 20; ++n) {
            RequestHandler handler("wsData", gateway.gateway());
            (void)handler.prepare_request(request_text);
            (void)handler.do_request(request_text, milliseconds(500));
            ++ended;
          }
        });
      }
    }
    over = true;
    CHECK(gateway.pending_becomes(0));
    gateway.gateway().stop_now();
  }
  CHECK(ended == 60);
}
