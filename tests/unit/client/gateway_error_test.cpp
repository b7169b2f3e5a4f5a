#include "client/gateway_error.hpp"

#include <doctest/doctest.h>

#include <string>

using reachback::client::read_gateway_error;

TEST_CASE("the message of a failed log-in refuses the credential") {
  auto const error =
      read_gateway_error(R"({"cmd":"error","status":401,"error":"Websocket authentication failed"})");
  REQUIRE(error);
  CHECK(error->status == 401);
  CHECK(error->text == "Websocket authentication failed");
  CHECK(error->refuses_credential());
  CHECK(read_gateway_error(R"({"status":403,"cmd":"error"})")->refuses_credential());
}

TEST_CASE("an error of another status is none of the credential") {
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error","status":500,"error":"x"})")->refuses_credential());
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error","status":"401"})")->refuses_credential());
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error","status":4294967697})")->refuses_credential());
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error"})")->refuses_credential());
}

TEST_CASE("requests and garbage are no errors of the gateway") {
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error","status":401,"callId":7})"));
  CHECK_FALSE(read_gateway_error(R"({"cmd":"rpc","status":401})"));
  CHECK_FALSE(read_gateway_error(R"({"args":[{"cmd":"error","status":401}]})"));
  CHECK_FALSE(read_gateway_error(R"({"cmd":"error","status":401)"));
  CHECK_FALSE(read_gateway_error("error"));
  CHECK_FALSE(read_gateway_error(""));
  CHECK_FALSE(
      read_gateway_error(R"({"cmd":"error","status":401,"error":")" + std::string(5000, 'x') + "\"}"));
}
