#include "reachback/websocket_state.hpp"

#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

TEST_CASE_TEMPLATE("connections are listed in the order in which they joined", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto& state = gateway.state();
  CHECK(state.endpoints() == std::vector<std::string>{"wsData", "wsSubject", "wsUser"});
  CHECK(state.connections("wsUser")->empty());
  auto first = gateway.service("wsUser");
  auto const one = state.connections("wsUser").value();
  auto const second = gateway.service("wsUser");
  auto const two = state.connections("wsUser").value();
  REQUIRE(one.size() == 1);
  REQUIRE(two.size() == 2);
  CHECK(two[0] == one[0]);
  CHECK(two[1] != one[0]);
  first.stream().close();
  CHECK(wait_until([&] { return state.connections("wsUser").value() == std::vector{two[1]}; }));
}

TEST_CASE_TEMPLATE("a message goes to every connection of its endpoint, or to the one named", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto& state = gateway.state();
  auto first = gateway.service("wsUser");
  auto second = gateway.service("wsUser");
  auto other = gateway.service("wsSubject");
  CHECK(state.send_websocket_message("wsUser", "to all")->delivered == 2);
  auto const second_id = state.connections("wsUser")->back();
  CHECK(state.send_websocket_message("wsUser", "to the second", second_id)->delivered == 1);
  CHECK(state.send_websocket_message("wsUser", "to all again")->delivered == 2);
  CHECK(state.send_websocket_message("wsSubject", "to the subject")->delivered == 1);
  CHECK(first.read_text() == "to all");
  CHECK(first.read_text() == "to all again");
  CHECK(second.read_text() == "to all");
  CHECK(second.read_text() == "to the second");
  CHECK(second.read_text() == "to all again");
  CHECK(other.read_text() == "to the subject");
}

TEST_CASE_TEMPLATE("who is not there is named by the failure", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto& state = gateway.state();
  auto const service = gateway.service("wsData");
  auto const elsewhere = state.connections("wsData")->front();
  auto const no_endpoint = state.send_websocket_message("wsNobody", "hello");
  REQUIRE_FALSE(no_endpoint);
  CHECK(no_endpoint.error().problem == Problem::no_endpoint);
  auto const no_connection = state.send_websocket_message("wsUser", "hello", elsewhere);
  REQUIRE_FALSE(no_connection);
  CHECK(no_connection.error().problem == Problem::no_connection);
  CHECK(state.connections("wsNobody").error().problem == Problem::no_endpoint);
  CHECK(state.send_websocket_message("wsUser", "hello")->delivered == 0);
}

TEST_CASE_TEMPLATE("close_all_connections ends the calls of every service", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto data = gateway.service("wsData");
  auto subject = gateway.service("wsSubject");
  auto data_caller = gateway.caller();
  auto subject_caller = gateway.caller();
  data_caller.call();
  (void)data.read_call();
  subject_caller.call(request_text, {.endpoint = "wsSubject"});
  (void)subject.read_call();
  CHECK(gateway.state().close_all_connections() == 2);
  CHECK(data_caller.read_answer().says("/problems/service-closed"));
  CHECK(subject_caller.read_answer().says("/problems/service-closed"));
  CHECK(gateway.state().close_all_connections() == 0);
  // The gateway takes new ones.
  auto const next = gateway.service("wsData");
  CHECK(gateway.state().connections("wsData")->size() == 1);
}

TEST_CASE_TEMPLATE("after the gateway's end its functions say so and don't wait", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  auto& state = gateway.state();
  gateway.stop();
  auto const connections = state.connections("wsUser");
  REQUIRE_FALSE(connections);
  CHECK(connections.error().problem == Problem::draining);
  auto const sent = state.send_websocket_message("wsUser", "hello");
  REQUIRE_FALSE(sent);
  CHECK(sent.error().problem == Problem::draining);
  CHECK(state.close_all_connections() == 0);
}
