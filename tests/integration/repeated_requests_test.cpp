// A session keeps what it made of a head for the next request with the same one: each request still gets its
// own.
#include <doctest/doctest.h>

#include <string>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

std::string call_with(std::string_view fields, std::string_view body) {
  return "POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: gateway\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

constexpr std::string_view token = "Authorization: Bearer test\r\n";

}  // namespace

TEST_CASE_TEMPLATE("equal heads with other bodies are other calls, each with its own answer", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  std::string last_id;
  for (char const letter : {'a', 'b', 'c', 'd'}) {
    caller.send(call_with(token, std::string(R"({"cmd":"rpc","n":")") + letter + "\"}"));
    auto const call = service.read_call();
    CHECK(call.text.ends_with(std::string(R"("n":")") + letter + "\"}"));
    service.send_text(answer_to(call.id, std::string("answer ") + letter));
    auto const answer = caller.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.says(std::string("answer ") + letter));
    CHECK(answer.field("Reachback-Call-Id") != last_id);
    last_id = answer.field("Reachback-Call-Id");
  }
}

TEST_CASE("equal requests that come at once are answered one after the other") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  std::string requests;
  for (char const letter : {'a', 'b', 'c'})
    requests += call_with(token, std::string(R"({"cmd":"rpc","n":")") + letter + "\"}");
  caller.send(requests);
  for (char const letter : {'a', 'b', 'c'}) {
    auto const call = service.read_call();
    CHECK(call.text.ends_with(std::string(R"("n":")") + letter + "\"}"));
    service.send_text(answer_to(call.id, std::string("answer ") + letter));
    CHECK(caller.read_answer().says(std::string("answer ") + letter));
  }
}

TEST_CASE("a credential is good for requests that carry it, and for no other of the session") {
  GatewayFixture gateway(OneShard::config());
  auto caller = gateway.caller();
  auto const get = [&](std::string_view fields) {
    caller.send("GET /v1/endpoints HTTP/1.1\r\nHost: gateway\r\n" + std::string(fields) + "\r\n");
    return caller.read_answer().status;
  };
  CHECK(get(token) == 200);
  CHECK(get("") == 401);
  CHECK(get("") == 401);
  CHECK(get("Authorization: Bearer Test\r\n") == 401);
  CHECK(get(token) == 200);
  CHECK(get(token) == 200);
  CHECK(get("Cookie: login=forged\r\n") == 401);
  CHECK(get("Authorization: \r\nCookie: login=forged\r\n") == 401);
  CHECK(get("Authorization: \r\nCookie: login=forged\r\n") == 401);
  CHECK(get(token) == 200);
}

TEST_CASE("what is refused once is refused as often as it is asked, and the session goes on") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  for (int i = 0; i < 3; ++i) CHECK(caller.get("/v1/endpoints/nowhere").status == 404);
  for (int i = 0; i < 3; ++i) {
    caller.send(call_with(token, "no JSON"));
    CHECK(caller.read_answer().status == 400);
  }
  caller.send(call_with(token, request_text));
  service.send_text(answer_to(service.read_call().id));
  CHECK(caller.read_answer().status == 200);
}

TEST_CASE("a service that comes and goes is noticed between equal requests") {
  GatewayFixture gateway(OneShard::config());
  auto caller = gateway.caller();
  auto const request = call_with(token, request_text);
  caller.send(request);
  CHECK(caller.read_answer().status == 503);
  {
    auto service = gateway.service();
    caller.send(request);
    service.send_text(answer_to(service.read_call().id));
    CHECK(caller.read_answer().status == 200);
    caller.send(request);
    (void)service.read_call();
  }
  CHECK(caller.read_answer().status == 502);
}
