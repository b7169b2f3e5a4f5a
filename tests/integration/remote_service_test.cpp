#include "reachback/remote_service.hpp"

#include <doctest/doctest.h>

#include "reachback/errors.hpp"
#include "support/running_service.hpp"
#include "support/scripted_gateway.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr std::string_view unauthorized =
    R"({"cmd":"error","status":401,"error":"Websocket authentication failed"})";

ServiceAnswer answer_hello(std::string_view) {
  return answer_with("\"hello\"", ServiceAnswer::Encoding::json);
}

RemoteServiceConfig with_password(ScriptedGateway const& gateway) {
  auto config = service_config(gateway);
  config.token.clear();
  config.user = "test";
  config.password = "te&st";
  return config;
}

/// Plays the gateway's part of the two log-in requests; what the second one gets is the test's choice.
SeenRequest log_in(ScriptedGateway& gateway, std::string_view status, std::string_view fields) {
  auto page = gateway.accept();
  CHECK(page.read_request().line == "GET /login HTTP/1.1");
  page.reply("200 OK", "Set-Cookie: _xsrf=x|1; Path=/\r\n");
  auto form = gateway.accept();
  auto request = form.read_request();
  form.reply(status, fields);
  return request;
}

/// Closes as a gateway does: the service's answer, then the end of the stream.
void close(ScriptedConnection& connection, std::uint16_t code) {
  connection.send_close(code);
  CHECK(connection.read().close_code == code);
  connection.drop();
}

/// The service still answers.
void check_answers(ScriptedConnection& connection) {
  connection.send_text(R"({"cmd":"rpc","callId":5})");
  CHECK(connection.read_text().find(R"("callId":5)") != std::string::npos);
}

}  // namespace

TEST_CASE("a service logs in by the original's steps and attaches with the cookie") {
  ScriptedGateway gateway;
  RunningService service(with_password(gateway), answer_hello);
  auto const form = log_in(gateway, "302 Found", "Set-Cookie: login=\"L|1\"; Path=/\r\nLocation: /\r\n");
  CHECK(form.line == "POST /login HTTP/1.1");
  CHECK(form.field("Cookie") == "_xsrf=x|1");
  CHECK(form.field("Content-Type") == "application/x-www-form-urlencoded");
  CHECK(form.body == "name=test&password=te%26st&_xsrf=x%7C1");
  auto connection = gateway.accept();
  auto const upgrade = connection.upgrade();
  auto const authority = "127.0.0.1:" + std::to_string(gateway.port());
  CHECK(upgrade.line == "GET /wsData HTTP/1.1");
  CHECK(upgrade.field("Host") == authority);
  CHECK(upgrade.field("Origin") == "http://" + authority);
  CHECK(upgrade.field("Cookie") == "login=\"L|1\"");
  CHECK(upgrade.field("Sec-WebSocket-Extensions").empty());
  check_answers(connection);
}

TEST_CASE("a token replaces the log-in") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), answer_hello);
  auto connection = gateway.accept();
  auto const upgrade = connection.upgrade();
  CHECK(upgrade.field("Authorization") == "Bearer secret");
  CHECK(upgrade.field("Cookie").empty());
  check_answers(connection);
}

TEST_CASE("stop closes with 1001 and run returns true") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), answer_hello);
  auto connection = gateway.accept();
  connection.upgrade();
  check_answers(connection);
  service.stop();
  CHECK(connection.read().close_code == 1001);
  connection.send_close(1001);
  connection.drop();
  CHECK(service.result());
}

TEST_CASE("a wrong password ends the service") {
  ScriptedGateway gateway;
  RunningService service(with_password(gateway), answer_hello);
  log_in(gateway, "200 OK", "");
  CHECK_FALSE(service.result());
}

TEST_CASE("a gateway that cannot log anybody in right now is tried again") {
  ScriptedGateway gateway;
  RunningService service(with_password(gateway), answer_hello);
  log_in(gateway, "503 Service Unavailable", "");
  log_in(gateway, "302 Found", "Set-Cookie: login=L\r\n");
  auto connection = gateway.accept();
  CHECK(connection.upgrade().field("Cookie") == "login=L");
  check_answers(connection);
}

TEST_CASE("the gateway's 401 message ends a service whose log-in is new, and one with a token") {
  ScriptedGateway gateway;
  for (auto const& config : {with_password(gateway), service_config(gateway)}) {
    RunningService service(config, answer_hello);
    if (config.token.empty()) log_in(gateway, "302 Found", "Set-Cookie: login=L\r\n");
    auto connection = gateway.accept();
    connection.upgrade();
    connection.send_text(unauthorized);
    CHECK(connection.read().close_code == 1001);
    connection.drop();
    CHECK_FALSE(service.result());
  }
}

TEST_CASE("a plain 401 or 403 in place of the upgrade ends the service too") {
  for (auto const* const status : {"401 Unauthorized", "403 Forbidden"}) {
    ScriptedGateway gateway;
    RunningService service(service_config(gateway), answer_hello);
    auto connection = gateway.accept();
    CHECK(connection.read_request().field("Upgrade") == "websocket");
    connection.reply(status);
    CHECK_FALSE(service.result());
  }
}

TEST_CASE("after a close the service comes back with its cookie, and logs in anew when that has expired") {
  ScriptedGateway gateway;
  RunningService service(with_password(gateway), answer_hello);
  log_in(gateway, "302 Found", "Set-Cookie: login=first\r\n");
  auto one = gateway.accept();
  CHECK(one.upgrade().field("Cookie") == "login=first");
  close(one, 1012);
  auto two = gateway.accept();
  CHECK(two.upgrade().field("Cookie") == "login=first");
  two.send_text(unauthorized);
  CHECK(two.read().close_code == 1000);
  two.drop();
  log_in(gateway, "302 Found", "Set-Cookie: login=second\r\n");
  auto three = gateway.accept();
  CHECK(three.upgrade().field("Cookie") == "login=second");
  check_answers(three);
}

TEST_CASE("a kept cookie does not turn a wrong password into endless tries") {
  ScriptedGateway gateway;
  RunningService service(with_password(gateway), answer_hello);
  log_in(gateway, "302 Found", "Set-Cookie: login=first\r\n");
  auto one = gateway.accept();
  one.upgrade();
  close(one, 1012);
  auto two = gateway.accept();
  two.upgrade();
  two.send_text(unauthorized);
  CHECK(two.read().close_code == 1000);
  two.drop();
  log_in(gateway, "200 OK", "");
  CHECK_FALSE(service.result());
}

TEST_CASE("answers that are no valid upgrade, and connections that just end, are tried again") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), answer_hello);
  gateway.accept().drop();
  for (auto const* const answer :
       {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        "nonsense\r\n\r\n"}) {
    auto connection = gateway.accept();
    CHECK(connection.read_request().field("Sec-WebSocket-Version") == "13");
    connection.write(answer);
  }
  auto connection = gateway.accept();
  connection.upgrade();
  check_answers(connection);
}

TEST_CASE("frames that arrive with the answer to the upgrade are not lost") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), answer_hello);
  auto connection = gateway.accept();
  connection.upgrade("\x81\x18{\"cmd\":\"rpc\",\"callId\":1}");
  CHECK(connection.read_text().find(R"("callId":1)") != std::string::npos);
}

TEST_CASE("stop ends a dial that gets no answer, a pause, and a service that was never connected") {
  SUBCASE("no answer to the upgrade") {
    ScriptedGateway gateway;
    RunningService service(service_config(gateway), answer_hello);
    auto connection = gateway.accept();
    CHECK_FALSE(connection.read_request().line.empty());
    service.stop();
    CHECK(service.result());
  }
  SUBCASE("a pause of an hour") {
    ScriptedGateway gateway;
    auto config = service_config(gateway);
    config.first_retry = config.longest_retry = std::chrono::hours(1);
    std::promise<void> pausing;
    config.log = [&pausing](LogLevel, std::string_view text) {
      if (text.starts_with("next try")) pausing.set_value();
    };
    RunningService service(config, answer_hello);
    gateway.accept().drop();
    pausing.get_future().wait();
    service.stop();
    CHECK(service.result());
  }
  SUBCASE("before it runs") {
    ScriptedGateway gateway;
    RemoteService service(service_config(gateway), answer_hello);
    service.stop();
    CHECK(service.run());
  }
}

TEST_CASE("settings that make no sense are a failed start") {
  ScriptedGateway gateway;
  auto const broken = [&](auto change) {
    auto config = service_config(gateway);
    change(config);
    CHECK_THROWS_AS(RemoteService(config, answer_hello), StartError);
  };
  broken([](RemoteServiceConfig& config) { config.token = "a\r\nX: y"; });
  broken([](RemoteServiceConfig& config) { config.endpoint = "ws data"; });
  broken([](RemoteServiceConfig& config) { config.endpoint.clear(); });
  broken([](RemoteServiceConfig& config) { config.host.clear(); });
  broken([](RemoteServiceConfig& config) { config.workers = 0; });
  broken([](RemoteServiceConfig& config) { config.ca_file = "/lab.pem"; });
  broken([](RemoteServiceConfig& config) {
    config.tls = true;
    config.ca_file = "/nowhere/lab.pem";
  });
  broken([](RemoteServiceConfig& config) {
    config.tls = true;
    config.host = std::string(300, 'h');
  });
}
