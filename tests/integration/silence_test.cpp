#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

Config with_pings(Config config) {
  config.timeouts.ping = seconds(20);
  config.timeouts.silence = seconds(40);
  return config;
}

void read_ping(ScriptedService& service) { CHECK(service.read_frame().opcode == Opcode::ping); }

}  // namespace

TEST_CASE_TEMPLATE("a connection is pinged every 20 s and closed after 40 s of silence", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_pings(Shards::config()));
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  (void)service.read_call();
  gateway.advance(seconds(20));
  read_ping(service);
  gateway.advance(seconds(19));
  CHECK(gateway.pending_becomes(1));
  gateway.advance(seconds(1));
  CHECK(service.stream().at_end());
  CHECK(caller.read_answer().says("/problems/service-closed"));
  CHECK(gateway.state().connections("wsData")->empty());
}

TEST_CASE_TEMPLATE("any byte breaks the silence", Shards, OneShard, FourShards) {
  GatewayFixture gateway(with_pings(Shards::config()));
  auto service = gateway.service();
  std::string const long_frame = bytes_of({.payload = std::string(100, 'x')});
  // A frame that takes two minutes: each of its bytes is a sign of life.
  for (std::size_t i = 0; i < 4; ++i) {
    gateway.advance(seconds(20));
    read_ping(service);
    service.stream().write(long_frame.substr(i, 1));
    auto const received = R"(reachback_received_bytes_total{endpoint="wsData"})";
    CHECK(gateway.metric_becomes(received, i + 1));
  }
  CHECK(gateway.state().connections("wsData")->size() == 1);
  gateway.advance(seconds(20));
  read_ping(service);
  gateway.advance(seconds(20));
  CHECK(service.stream().at_end());
}

TEST_CASE_TEMPLATE("a pong tells the round trip, and what lies before its ping as sent", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_pings(Shards::config()));
  auto service = gateway.service();
  auto caller = gateway.caller();
  gateway.advance(seconds(20));
  auto const ping = service.read_frame();
  REQUIRE(ping.opcode == Opcode::ping);
  CHECK(caller.get("/v1/endpoints/wsData").says(R"("roundTripMs":null)"));
  gateway.advance(std::chrono::milliseconds(250));
  service.send({.opcode = Opcode::pong, .payload = ping.payload});
  service.settle();
  CHECK(caller.get("/v1/endpoints/wsData").says(R"("roundTripMs":250.000)"));
}

TEST_CASE_TEMPLATE("an event stream gets a comment as often as connections are pinged", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(with_pings(Shards::config()));
  auto watcher = gateway.caller();
  watcher.request("GET", "/v1/events");
  CHECK(watcher.read_head().status == 200);
  CHECK(watcher.read_chunk() == ": connected\n\n");
  gateway.advance(seconds(20));
  CHECK(watcher.read_chunk() == ": still here\n\n");
}
