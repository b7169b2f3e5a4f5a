#include "reachback/proto/subprotocol.hpp"

#include <doctest/doctest.h>

#include "reachback/proto/request.hpp"

using namespace reachback::proto;
using Kind = ControlMessage::Kind;

TEST_SUITE("the gateway's own messages") {
  TEST_CASE("each is written as the contract says") {
    CHECK(to_json({.kind = Kind::credit, .call_id = CallId{7}, .parts = 2}) ==
          R"({"cmd":"credit","callId":7,"parts":2})");
    CHECK(to_json({.kind = Kind::cancel, .call_id = CallId{7}}) == R"({"cmd":"cancel","callId":7})");
    CHECK(to_json({.kind = Kind::goaway}) == R"({"cmd":"goaway"})");
  }

  TEST_CASE("each is read, with its keys in any order and others beside them") {
    auto const credit = read_control_message(R"( {"parts":3, "new":[1], "callId":7, "cmd":"credit"})");
    REQUIRE(credit.has_value());
    CHECK(credit->kind == Kind::credit);
    CHECK(credit->call_id == CallId{7});
    CHECK(credit->parts == 3);
    auto const cancel = read_control_message(R"({"cmd":"cancel","callId":8})");
    REQUIRE(cancel.has_value());
    CHECK(cancel->kind == Kind::cancel);
    CHECK(cancel->call_id == CallId{8});
    auto const goaway = read_control_message(R"({"cmd":"goaway"})");
    REQUIRE(goaway.has_value());
    CHECK(goaway->kind == Kind::goaway);
  }

  TEST_CASE("what is malformed is none of them") {
    for (auto const* const text :
         {"", "[]", R"({"cmd":"credit"})", R"({"cmd":"credit","callId":7})",
          R"({"cmd":"credit","callId":7,"parts":0})", R"({"cmd":"credit","callId":7,"parts":-1})",
          R"({"cmd":"credit","callId":7,"parts":1.5})", R"({"cmd":"credit","callId":7,"parts":4294967296})",
          R"({"cmd":"credit","callId":-7,"parts":1})", R"({"cmd":"credit","callId":"7","parts":1})",
          R"({"cmd":"cancel"})", R"({"cmd":"cancel","callId":9007199254740992})",
          R"({"cmd":"cancel","callId":7)", R"({"cmd":"rpc","callId":7})", R"({"callId":7})"}) {
      CAPTURE(text);
      CHECK_FALSE(read_control_message(text).has_value());
    }
    CHECK_FALSE(read_control_message(R"({"cmd":"goaway","x":")" + std::string(600, 'x') + "\"}").has_value());
  }

  TEST_CASE("a caller's request is none of them, whatever it says") {
    for (std::string const body :
         {R"({"cmd":"goaway"})", R"({"cmd":"cancel"})", R"({"cmd":"credit","parts":9})",
          R"({"cmd":"goaway","timeoutMs":null})", R"({"cmd":"credit","parts":9,"timeoutMs":null})"}) {
      CAPTURE(body);
      auto const checked = check_request(body);
      REQUIRE(checked.has_value());
      auto const head = splice_head(*checked, CallId{7}, std::chrono::seconds(60));
      CHECK_FALSE(read_control_message(head + body.substr(checked->members_at)).has_value());
    }
  }
}
