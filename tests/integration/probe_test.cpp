#include "reachback/probe.hpp"

#include <doctest/doctest.h>

#include <future>

#include "reachback/errors.hpp"
#include "support/scripted_gateway.hpp"

using namespace reachback;
using namespace std::chrono_literals;

namespace {

ProbeConfig config_for(test::ScriptedGateway const& gateway) {
  ProbeConfig config;
  config.port = gateway.port();
  return config;
}

std::future<ProbeResult> probing(ProbeConfig config) {
  return std::async(std::launch::async, [config = std::move(config)] { return probe(config); });
}

}  // namespace

TEST_CASE("a probe asks for its path once and gives the status of the answer") {
  for (int const status : {200, 404, 503}) {
    test::ScriptedGateway gateway;
    auto config = config_for(gateway);
    config.path = "/livez?x=1";
    auto result = probing(config);
    auto connection = gateway.accept();
    auto const request = connection.read_request();
    CHECK(request.line == "GET /livez?x=1 HTTP/1.1");
    CHECK(request.field("Host") == "127.0.0.1:" + std::to_string(gateway.port()));
    connection.reply(std::to_string(status) + " Whatever");
    auto const outcome = result.get();
    CHECK(outcome.status == status);
    CHECK(outcome.error.empty());
  }
}

TEST_CASE("a probe says why there was no answer") {
  test::ScriptedGateway gateway;
  auto config = config_for(gateway);
  auto const origin = "http://127.0.0.1:" + std::to_string(gateway.port());
  SUBCASE("the connection ended") {
    auto result = probing(config);
    gateway.accept().drop();
    auto const outcome = result.get();
    CHECK(outcome.status == 0);
    CHECK(outcome.error.starts_with(origin + ": "));
  }
  SUBCASE("it was none that HTTP knows") {
    auto result = probing(config);
    auto connection = gateway.accept();
    CHECK(connection.read_request().line == "GET /readyz HTTP/1.1");
    connection.write("220 smtp.example ESMTP\r\n\r\n");
    CHECK(result.get().error == origin + ": Bad message");
  }
  SUBCASE("it took too long") {
    config.timeout = 50ms;
    auto result = probing(config);
    auto const connection = gateway.accept();
    CHECK(result.get().error == origin + " does not answer in time");
  }
  SUBCASE("a handshake took too long") {
    config.timeout = 50ms;
    config.tls = true;
    auto result = probing(config);
    auto const connection = gateway.accept();
    CHECK(result.get().error == "https" + origin.substr(4) + " does not answer in time");
  }
}

TEST_CASE("a probe that makes no sense is a failed start") {
  auto const broken = [](auto change) {
    ProbeConfig config;
    change(config);
    CHECK_THROWS_AS(static_cast<void>(probe(config)), StartError);
  };
  broken([](ProbeConfig& config) { config.host.clear(); });
  broken([](ProbeConfig& config) { config.path = "readyz"; });
  broken([](ProbeConfig& config) { config.path = "/a\r\nX: y"; });
  broken([](ProbeConfig& config) { config.ca_file = "/lab.pem"; });
  broken([](ProbeConfig& config) {
    config.tls = true;
    config.ca_file = "/nowhere/lab.pem";
  });
}
