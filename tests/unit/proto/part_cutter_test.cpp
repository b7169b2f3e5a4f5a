#include "reachback/proto/part_cutter.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "reachback/proto/answer.hpp"
#include "reachback/proto/base64.hpp"

namespace reachback::proto {
namespace {

RequestEcho echo_of(std::string_view request) {
  auto const echo = echo_of_request(request);
  REQUIRE(echo.has_value());
  return *echo;
}

TEST_CASE("a request is echoed without what carries payloads and what is long") {
  auto const echo = echo_of(
      R"({"callId":7, "cmd":"rpc","args":["x"],"kwargs":{},"data":"y","encodedBytes_0":"z","encodedByteArgs":[0],"n":1e400,)"
      R"("\u0061rgs":1,"class":"C","long":")" +
      std::string(1023, 'x') + R"(","short":")" + std::string(1022, 'x') + "\"}");
  CHECK(echo.call_id == CallId{7});
  CHECK(echo.members ==
        R"("callId":7,"cmd":"rpc","n":1e400,"class":"C","short":")" + std::string(1022, 'x') + "\"");
}

TEST_CASE("a request's keys that mean something in an answer are not echoed") {
  auto const echo = echo_of(
      R"({"callId":7,"cmd":"c","status":500,"error":"e","numParts":9,"partId":4,"hash":"h","compressed":true})");
  CHECK(echo.members == R"("callId":7,"cmd":"c")");
}

TEST_CASE("a request without a usable cmd can still be answered") {
  for (auto const* request : {R"({"callId":7})", R"({"callId":7,"cmd":7})", R"({"cmd":null,"callId":7})"}) {
    CAPTURE(request);
    auto const answer = error_answer(echo_of(request), "no cmd");
    CHECK(boost::json::parse(answer).at("cmd") == "unknown");
    CHECK(read_answer(answer).has_value());
  }
}

TEST_CASE("what is no request has no echo") {
  for (auto const* request : {"", "[]", "{", R"({"cmd":"rpc"})", R"({"callId":"7"})", R"({"callId":-1})",
                              R"({"callId":7.0})", R"({"callId":9007199254740992})", R"({"callId":7} x)"}) {
    CAPTURE(request);
    auto const echo = echo_of_request(request);
    REQUIRE(echo.has_error());
    CHECK_FALSE(echo.error().empty());
  }
}

TEST_CASE("a payload is cut into parts of ten MiB and an empty one into one") {
  CHECK(number_of_parts(0) == 1);
  CHECK(number_of_parts(1) == 1);
  CHECK(number_of_parts(part_size) == 1);
  CHECK(number_of_parts(part_size + 1) == 2);
  CHECK(number_of_parts(std::uint64_t{5} << 30) == 512);
  CHECK(number_of_parts(UINT64_MAX) == UINT32_MAX);
}

TEST_CASE("a small payload is one plain part with all its keys") {
  auto const text = cut_part(echo_of(R"({"cmd":"rpc","callId":7})"),
                             {DataSerialization::json, 3, md5_hex("ABC")}, 1, "ABC");
  auto const expected = boost::json::parse(
      R"({"cmd":"rpc","callId":7,"status":200,"numParts":1,"partId":1,"dataSerialization":"json","fileSize":3,)"
      R"("fileHash":"902fbdd2b1df0c4f70b4a5d23525e932","dataSize":3,"hash":"902fbdd2b1df0c4f70b4a5d23525e932","data":"QUJD"})");
  CHECK(boost::json::parse(text) == expected);
}

TEST_CASE("an empty payload is one part with empty data") {
  auto const text =
      cut_part(echo_of(R"({"cmd":"rpc","callId":7})"), {DataSerialization::bytes, 0, md5_hex("")}, 1, "");
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  CHECK(answer->has_data);
  CHECK(answer->data.raw == "\"\"");
}

TEST_CASE("compression and multipart appear only above their sizes") {
  auto const echo = echo_of(R"({"cmd":"rpc","callId":7})");
  std::string const bytes(compress_above, 'x');
  auto const plain =
      boost::json::parse(cut_part(echo, {DataSerialization::bytes, compress_above, "h"}, 1, bytes))
          .as_object();
  CHECK_FALSE(plain.contains("compressed"));
  CHECK_FALSE(plain.contains("multipart"));
  auto const compressed =
      boost::json::parse(cut_part(echo, {DataSerialization::bytes, compress_above + 1, "h"}, 1, bytes + "x"))
          .as_object();
  CHECK(compressed.at("compressed").as_bool());
  CHECK(compressed.at("data").as_string().size() < 20'000);
  auto const one_of_two =
      boost::json::parse(cut_part(echo, {DataSerialization::bytes, part_size + 1, "h"}, 2, "x")).as_object();
  CHECK(one_of_two.at("multipart").as_bool());
  CHECK(one_of_two.at("numParts").as_int64() == 2);
  CHECK(one_of_two.at("partId").as_int64() == 2);
}

TEST_CASE("a failure is reported with its status and text and without data") {
  auto const text = error_answer(echo_of(R"({"cmd":"rpc","callId":7})"), "no \"such\"\nfile", 404);
  CHECK(boost::json::parse(text) ==
        boost::json::parse(R"({"cmd":"rpc","callId":7,"status":404,"error":"no \"such\"\nfile"})"));
  CHECK(boost::json::parse(error_answer({CallId{1}, R"("callId":1)"}, "x")).at("status").as_int64() == 400);
}

}  // namespace
}  // namespace reachback::proto

TEST_CASE("what is echoed of a request is bounded in all, and cmd and callId are always there") {
  std::string request = "{";
  for (int i = 0; i < 10'000; ++i)
    request += "\"key" + std::to_string(i) + "\":\"" + std::string(100, 'v') + "\",";
  request += R"("cmd":"rpc","callId":7})";
  auto const echo = reachback::proto::echo_of_request(request);
  REQUIRE(echo.has_value());
  CHECK(echo->members.size() < 20'000);
  CHECK(echo->members.find(R"("cmd":"rpc")") != std::string::npos);
  CHECK(echo->members.find(R"("callId":7)") != std::string::npos);
}

TEST_CASE("a key too long to echo is left out") {
  auto const echo = reachback::proto::echo_of_request("{\"" + std::string(2'000'000, 'k') +
                                                      R"(":1,"cmd":"rpc","callId":7})");
  REQUIRE(echo.has_value());
  CHECK(echo->members == R"("cmd":"rpc","callId":7)");
}
