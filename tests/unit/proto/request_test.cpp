#include "reachback/proto/request.hpp"

#include <string>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "reachback/proto/utf8.hpp"

namespace reachback::proto {
namespace {

std::string spliced(std::string const& body, CallId id) {
  auto const checked = check_request(body);
  REQUIRE(checked.has_value());
  return splice_head(*checked, id) + body.substr(checked->members_at);
}

std::string fault_of(std::string_view body) {
  auto const checked = check_request(body);
  REQUIRE(checked.has_error());
  return checked.error().detail;
}

TEST_CASE("the callId is spliced in front and the rest stays byte for byte") {
  CHECK(spliced(R"({"cmd":"rpc","n":1e400})", CallId{7}) == R"({"callId":7,"cmd":"rpc","n":1e400})");
  CHECK(spliced("{}", CallId{7}) == R"({"callId":7})");
  CHECK(spliced(" \n{ \t} ", CallId{7}) == "{\"callId\":7 \t} ");
  CHECK(spliced("\n { \"a\" : \"\\ud800\" }\n", CallId{max_call_id}) ==
        "{\"callId\":9007199254740991, \"a\" : \"\\ud800\" }\n");
}

TEST_CASE("a spliced message parses to the message and its callId") {
  auto value = boost::json::parse(spliced(R"({"args":[{"callId":1}],"x":{}})", CallId{12})).as_object();
  CHECK(value.at("callId").as_int64() == 12);
  value.erase("callId");
  CHECK(value == boost::json::parse(R"({"args":[{"callId":1}],"x":{}})"));
}

TEST_CASE("a message with a callId of its own is refused, in whatever spelling") {
  for (auto const* body : {R"({"callId":7})", R"({"a":1,"callId":null})", R"({"\u0063allId":7})",
                           R"({"a":{},"call\u0049d":""})"}) {
    CAPTURE(body);
    CHECK(fault_of(body).find("callId") != std::string::npos);
  }
  CHECK(check_request(R"({"a":{"callId":7},"callid":1,"b":"callId"})").has_value());
}

TEST_CASE("what is no JSON object in UTF-8 is refused with a reason") {
  CHECK(fault_of("") == "The message is not a JSON object.");
  CHECK(fault_of("[]") == "The message is not a JSON object.");
  CHECK(fault_of("{\"a\":\"\xFF\"}") == "The message is not valid UTF-8.");
  CHECK(fault_of("{\"a\":tru}") == "The message is not valid JSON (near byte 5).");
  CHECK(fault_of("{\"a\":1} trailing").find("not valid JSON") != std::string::npos);
  CHECK(fault_of("{\"a\":" + std::string(600, '[') + std::string(600, ']') + "}").find("512") !=
        std::string::npos);
  // The fault comes first: a text that is no JSON has no callId.
  CHECK(fault_of("{\"callId\":7,}").find("not valid JSON") != std::string::npos);
}

TEST_CASE("a description leaves out payloads and long values") {
  CHECK(describe_request(
            R"({"cmd":"rpc","class":"C","attribute":"echo","args":["secret"],"kwargs":{},"data":"x"})") ==
        R"({"cmd":"rpc","class":"C","attribute":"echo"})");
  CHECK(describe_request(R"({"encodedBytes_0":"AA==","n":1,"\u0061rgs":[1]})") == R"({"n":1})");
  CHECK(describe_request("{\"long\":\"" + std::string(200, 'x') + "\",\"n\":1}") == R"({"n":1})");
  CHECK(describe_request("{}") == "{}");
}

TEST_CASE("a description is cut at 500 bytes and never inside a character") {
  for (int shift = 0; shift < 4; ++shift) {
    std::string body = "{\"" + std::string(static_cast<std::size_t>(shift) + 1, 'k') + "\":1";
    for (int i = 0; i < 30; ++i)
      body += ",\"\xE2\x82\xAC" + std::to_string(i) + "\":\"" +
              "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC" + "\"";
    auto const text = describe_request(body + "}");
    CHECK(text.size() <= 500);
    CHECK(text.size() > 496);
    CHECK(is_valid_utf8(text));
  }
}

TEST_CASE("a service that asked for it gets the time until each part behind the callId") {
  using std::chrono::milliseconds;
  std::string const body = R"( {"cmd":"rpc"})";
  auto const checked = check_request(body);
  REQUIRE(checked.has_value());
  CHECK(splice_head(*checked, CallId{7}, milliseconds(2500)) + body.substr(checked->members_at) ==
        R"({"callId":7,"timeoutMs":2500,"cmd":"rpc"})");
  CHECK(splice_head(*check_request("{}"), CallId{7}, milliseconds(1)) + "}" ==
        R"({"callId":7,"timeoutMs":1})");
}

/// Checks a body that comes in pieces of `size` bytes.
boost::system::result<CheckedRequest, RequestFault> check_in_pieces(std::string const& body,
                                                                    std::size_t size) {
  RequestChecker checker;
  for (std::size_t come = size; come < body.size(); come += size) checker.grow(std::string(body, 0, come));
  return checker.complete(body);
}

TEST_CASE("a body that comes in pieces is checked as if it had come at once") {
  for (std::string const body :
       {R"({"cmd":"rpc","args":["\u00e9",[1,2.5e3]]})", "{}", "{\"a\":tru}", "[]", "",
        R"({"a":1,"call\u0049d":7})", "{\"a\":\"\xFF and more text\"}", "{\"a\":\"\xC3"}) {
    CAPTURE(body);
    auto const at_once = check_request(body);
    for (std::size_t const size : {1, 3, 10}) {
      auto const checked = check_in_pieces(body, size);
      REQUIRE(checked.has_value() == at_once.has_value());
      if (checked) {
        CHECK(checked->members_at == at_once->members_at);
        CHECK(checked->empty == at_once->empty);
      } else {
        CHECK(checked.error().detail == at_once.error().detail);
      }
    }
  }
}

TEST_CASE("a big body is described while it is checked") {
  std::string const body =
      R"({"cmd":"rpc","args":[")" + std::string(longest_undescribed, 'x') + R"("],"attribute":"echo"})";
  std::string const description = R"({"cmd":"rpc","attribute":"echo"})";
  CHECK(check_request(body)->description == description);
  CHECK(check_in_pieces(body, 1000)->description == description);
  CHECK(describe_request(body) == description);
}

}  // namespace
}  // namespace reachback::proto
