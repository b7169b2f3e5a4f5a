#include "reachback/proto/answer.hpp"

#include <string>

#include <doctest/doctest.h>

#include "random_json.hpp"

namespace reachback::proto {
namespace {

AnswerFault fault_of(std::string_view text) {
  auto const answer = read_answer(text);
  REQUIRE(answer.has_error());
  return answer.error();
}

std::string with(std::string_view members) {
  return R"({"cmd":"rpc","status":200,"callId":7)" + (members.empty() ? "" : "," + std::string(members)) +
         "}";
}

std::string with_call_id(std::string_view value) {
  return R"({"cmd":"rpc","status":200,"callId":)" + std::string(value) + "}";
}

std::optional<PartPosition> position_of(std::string_view members) {
  auto const text = with(members);
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  return answer->position;
}

TEST_CASE("all keys of an answer are found whatever their order") {
  std::string const text =
      R"({"data":"QQ==","fileSize":9,"fileHash":"f","dataSize":1,"hash":"h","compressed":true,"partId":2,"other":[{"status":1}],)"
      R"("numParts":3,"error":"e","callId":12,"status":200,"cmd":"rpc"})";
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  CHECK(answer->call_id == CallId{12});
  CHECK(answer->status == 200);
  CHECK(answer->has_data);
  REQUIRE(answer->position);
  CHECK(answer->position->id == 2);
  CHECK(answer->position->count == 3);
  CHECK(answer->data.string_body() == "QQ==");
  CHECK(answer->compressed.is_true());
  CHECK(answer->hash.raw == "\"h\"");
  CHECK(answer->data_size.integer() == 1);
  CHECK(answer->file_hash.raw == "\"f\"");
  CHECK(answer->file_size.integer() == 9);
  CHECK(answer->error.string_body() == "e");
}

TEST_CASE("the least answer is a single part without data") {
  auto const text = with("");
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  CHECK_FALSE(answer->has_data);
  REQUIRE(answer->position);
  CHECK(answer->position->id == 1);
  CHECK(answer->position->count == 1);
  CHECK_FALSE(answer->hash.present());
}

TEST_CASE("data null counts as absent and empty data does not") {
  auto const null_text = with(R"("data":null)");
  CHECK_FALSE(read_answer(null_text)->has_data);
  auto const empty_text = with(R"("data":"")");
  CHECK(read_answer(empty_text)->has_data);
}

TEST_CASE("the callId is an integer from 0 to 2^53-1") {
  CHECK(read_answer(with_call_id("0"))->call_id == CallId{0});
  CHECK(read_answer(with_call_id("-0"))->call_id == CallId{0});
  CHECK(read_answer(with_call_id("9007199254740991"))->call_id == CallId{max_call_id});
  for (auto const* bad : {"7.0", "7e0", "\"7\"", "-1", "9007199254740992", "true", "null", "[7]", "{}",
                          "18446744073709551616", "1e999"}) {
    CAPTURE(bad);
    CHECK(fault_of(with_call_id(bad)) == AnswerFault::bad_call_id);
  }
  CHECK(fault_of(R"({"cmd":"rpc","status":200})") == AnswerFault::bad_call_id);
  CHECK(fault_of(R"({"cmd":"rpc","status":200,"args":[{"callId":7}],"x":{"callId":7}})") ==
        AnswerFault::bad_call_id);
}

TEST_CASE("cmd and status are required with their types") {
  CHECK(fault_of(R"({"status":200,"callId":7})") == AnswerFault::bad_cmd);
  CHECK(fault_of(R"({"cmd":7,"status":200,"callId":7})") == AnswerFault::bad_cmd);
  CHECK(fault_of(R"({"cmd":null,"status":200,"callId":7})") == AnswerFault::bad_cmd);
  CHECK(fault_of(R"({"cmd":"","callId":7})") == AnswerFault::bad_status);
  CHECK(fault_of(R"({"cmd":"","status":"200","callId":7})") == AnswerFault::bad_status);
  CHECK(fault_of(R"({"cmd":"","status":200.5,"callId":7})") == AnswerFault::bad_status);
}

TEST_CASE("a text that is no object is told by its fault") {
  CHECK(fault_of("") == AnswerFault::not_an_object);
  CHECK(fault_of("[1]") == AnswerFault::not_an_object);
  CHECK(fault_of("hello") == AnswerFault::not_an_object);
  CHECK(fault_of(with("") + "x") == AnswerFault::bad_json);
  CHECK(fault_of(with("\"x\":\"\n\"")) == AnswerFault::bad_json);
  CHECK(fault_of(with("\"x\":" + std::string(512, '[') + std::string(512, ']'))) == AnswerFault::too_deep);
  CHECK(read_answer(with("\"x\":" + std::string(511, '[') + std::string(511, ']'))).has_value());
}

TEST_CASE("of equal keys the last counts, also when escapes hide that they are equal") {
  CHECK(read_answer(with(R"("callId":8)"))->call_id == CallId{8});
  CHECK(read_answer(with(R"("\u0063allId":9)"))->call_id == CallId{9});
  CHECK(read_answer(R"({"\u0063allId":9,"cmd":"rpc","status":200,"callId":7})")->call_id == CallId{7});
  CHECK(fault_of(with(R"("call\u0049d":"x")")) == AnswerFault::bad_call_id);
  auto const text = with(R"("data":"QQ==","d\u0061ta":null)");
  CHECK_FALSE(read_answer(text)->has_data);
}

TEST_CASE("part numbers default to one and numParts 0 reads as one") {
  CHECK(position_of(R"("numParts":0)")->count == 1);
  CHECK(position_of(R"("numParts":5)")->id == 1);
  CHECK(position_of(R"("numParts":1000000,"partId":1000000)")->id == 1'000'000);
  CHECK(position_of(R"("partId":1)")->count == 1);
}

TEST_CASE("part numbers that break the rules are none") {
  for (auto const* members :
       {R"("partId":0)", R"("partId":2)", R"("numParts":3,"partId":4)", R"("numParts":1000001)",
        R"("numParts":-1)", R"("numParts":0,"partId":0)", R"("numParts":3,"partId":-1)",
        R"("numParts":4611686018427387904,"partId":4611686018427387904)",
        R"("numParts":4294967297,"partId":4294967297)", R"("numParts":"3")", R"("numParts":3.0)",
        R"("numParts":3,"partId":"1")", R"("numParts":null)", R"("partId":null)", R"("numParts":true)",
        R"("numParts":99999999999999999999)"}) {
    CAPTURE(members);
    CHECK_FALSE(position_of(members));
  }
}

TEST_CASE("every fault has a name of its own") {
  CHECK(to_string(AnswerFault::not_an_object) == "not_an_object");
  CHECK(to_string(AnswerFault::bad_json) == "bad_json");
  CHECK(to_string(AnswerFault::too_deep) == "too_deep");
  CHECK(to_string(AnswerFault::bad_cmd) == "bad_cmd");
  CHECK(to_string(AnswerFault::bad_status) == "bad_status");
  CHECK(to_string(AnswerFault::bad_call_id) == "bad_call_id");
}

TEST_CASE("spoiled answers are read or refused and their views stay inside the text") {
  test::RandomJson random(6);
  std::string const whole =
      with(R"("data":"QUJD","hash":"0123456789abcdef","numParts":2,"partId":1,"x":{"y":[1,2]})");
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string const text = random.spoiled(whole);
    auto const answer = read_answer(text);
    if (!answer) continue;
    ++read;
    for (auto const& value : {answer->data, answer->hash}) {
      if (value.kind == JsonKind::absent) continue;
      REQUIRE(value.raw.data() >= text.data());
      REQUIRE(value.raw.data() + value.raw.size() <= text.data() + text.size());
    }
  }
  CHECK(read > 100);
  CHECK(read < 19'900);
}

TEST_CASE("an answer that comes in pieces, and moves meanwhile, is read as if it had come at once") {
  std::string const text =
      R"({"cmd":"rpc","status":200,"callId":7,"numParts":3,"partId":2,"hash":"abc","dataSize":12,)"
      R"("fileHash":"def","fileSize":99,"compressed":true,"error":null,"d\u0061ta":"QUJD"})";
  auto const at_once = read_answer(text);
  for (std::size_t const size : {1, 7, 50}) {
    AnswerReader reader;
    for (std::size_t come = size; come < text.size(); come += size) reader.grow(std::string(text, 0, come));
    auto const answer = reader.complete(text);
    REQUIRE(answer.has_value());
    CHECK(answer->call_id == at_once->call_id);
    CHECK(answer->status == at_once->status);
    CHECK(answer->position->id == at_once->position->id);
    CHECK(answer->position->count == at_once->position->count);
    CHECK(answer->has_data);
    CHECK(answer->data.raw.data() == at_once->data.raw.data());
    CHECK(answer->hash.raw == "\"abc\"");
    CHECK(answer->data_size.raw == "12");
    CHECK(answer->file_hash.raw == "\"def\"");
    CHECK(answer->file_size.raw == "99");
    CHECK(answer->compressed.is_true());
    CHECK_FALSE(answer->error.present());
  }
}

TEST_CASE("the longest of our names is known with every letter escaped") {
  std::string key;
  for (char const c : std::string_view("compressed"))
    key += "\\u00" + std::string(c < 'p' ? "6" : "7") + "0123456789abcdef"[c & 15];
  CHECK(read_answer(R"({"cmd":"rpc","status":200,"callId":7,")" + key + R"(":true})")->compressed.is_true());
}

TEST_CASE("a key that could not be one of ours in any spelling is passed by, however long") {
  std::string const text = R"({"cmd":"rpc","status":200,"callId":7,")" + std::string(3000, '\\') + R"(":1})";
  CHECK(read_answer(text)->call_id == CallId{7});
}

}  // namespace
}  // namespace reachback::proto
