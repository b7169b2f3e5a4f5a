#include "client/answering.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <stdexcept>
#include <vector>

#include "reachback/proto/md5.hpp"
#include "reachback/proto/part_cutter.hpp"

using namespace reachback;
using namespace reachback::client;

namespace {

constexpr std::string_view request = R"({"cmd":"rpc","attribute":"x","args":["a"],"callId":7})";

class RecordedLine final : public AnswerLine {
 public:
  explicit RecordedLine(std::size_t rooms = 1000) : rooms_(rooms) {}
  Verdict wait_for_room(std::size_t bytes) override {
    asked.push_back(bytes);
    if (asked.size() > rooms_) return Verdict::gone;
    return Verdict::granted;
  }
  void send(std::string message) override { sent.push_back(std::move(message)); }
  void ignored(std::string_view why) override { ignored_because = why; }
  [[nodiscard]] boost::json::object answer(std::size_t index) const {
    return boost::json::parse(sent.at(index)).as_object();
  }

  std::vector<std::size_t> asked;
  std::vector<std::string> sent;
  std::string ignored_because;

 private:
  std::size_t rooms_;
};

/// Zeros of any announced size, of which only some can be had.
class Zeros final : public PayloadSource {
 public:
  Zeros(std::uint64_t size, std::uint64_t available, int& reads)
      : size_(size), left_(available), reads_(reads) {}
  std::uint64_t size() const override { return size_; }
  std::string hash() override { return "0"; }
  std::string read(std::size_t max) override {
    ++reads_;
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(max, left_)), '\0');
    left_ -= bytes.size();
    return bytes;
  }

 private:
  std::uint64_t size_, left_;
  int& reads_;
};

ServiceFunction zeros(std::uint64_t size, std::uint64_t available, int& reads) {
  return [=, &reads](std::string_view) {
    ServiceAnswer answer;
    answer.payload = std::make_unique<Zeros>(size, available, reads);
    return answer;
  };
}

/// All of an answer in one go.
void answer_request(std::string_view text, ServiceFunction const& function, AnswerLine& line) {
  CHECK(Answering(text, function).go_on(line, UINT32_MAX) == Progress::finished);
}

}  // namespace

TEST_CASE("a small answer is one message with its hash") {
  RecordedLine line;
  answer_request(
      request, [](std::string_view) { return answer_with("\"hi\"", ServiceAnswer::Encoding::json); }, line);
  REQUIRE(line.sent.size() == 1);
  auto const answer = line.answer(0);
  CHECK(answer.at("callId") == 7);
  CHECK(answer.at("status") == 200);
  CHECK(answer.at("numParts") == 1);
  CHECK(answer.at("dataSerialization") == "json");
  CHECK(answer.at("data") == "ImhpIg==");
  CHECK(answer.at("fileHash") == proto::md5_hex("\"hi\"").c_str());
  CHECK_FALSE(answer.contains("args"));
}

TEST_CASE("an empty payload is one part with empty data") {
  RecordedLine line;
  answer_request(
      request, [](std::string_view) { return answer_with("", ServiceAnswer::Encoding::bytes); }, line);
  REQUIRE(line.sent.size() == 1);
  CHECK(line.answer(0).at("data") == "");
  CHECK(line.answer(0).at("fileSize") == 0);
}

TEST_CASE("each part is made only after there is room for it") {
  int reads = 0;
  RecordedLine line(2);
  answer_request(request, zeros(3 * proto::part_size, 3 * proto::part_size, reads), line);
  CHECK(line.asked.size() == 3);
  CHECK(line.sent.size() == 2);
  CHECK(reads == 2);
  CHECK(line.asked.at(0) >= line.sent.at(0).size());
}

TEST_CASE("room is asked for at least as much as a part takes that cannot be compressed") {
  RecordedLine line;
  std::string noise(proto::part_size, '\0');
  std::uint32_t state = 1;
  for (char& byte : noise) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  answer_request(
      request, [&](std::string_view) { return answer_with(noise, ServiceAnswer::Encoding::bytes); }, line);
  REQUIRE(line.sent.size() == 1);
  CHECK(line.asked.at(0) >= line.sent.at(0).size());
  CHECK(line.asked.at(0) < line.sent.at(0).size() + line.sent.at(0).size() / 10);
}

TEST_CASE("a payload that ends too early is reported behind the parts that went out") {
  int reads = 0;
  RecordedLine line;
  answer_request(request, zeros(2 * proto::part_size, proto::part_size + 5, reads), line);
  REQUIRE(line.sent.size() == 2);
  CHECK(line.answer(0).at("status") == 200);
  CHECK(line.answer(1).at("status") == 500);
  CHECK(line.answer(1).at("callId") == 7);
  CHECK_FALSE(line.answer(1).contains("data"));
}

TEST_CASE("what the function throws becomes an error answer") {
  RecordedLine line;
  answer_request(
      request, [](std::string_view) -> ServiceAnswer { throw std::runtime_error("no \"luck\""); }, line);
  REQUIRE(line.sent.size() == 1);
  CHECK(line.answer(0).at("status") == 500);
  CHECK(line.answer(0).at("error") == "no \"luck\"");
}

TEST_CASE("an error answer has its own status") {
  RecordedLine line;
  answer_request(request, [](std::string_view) { return answer_with_error("not here", 404); }, line);
  REQUIRE(line.sent.size() == 1);
  CHECK(line.answer(0).at("status") == 404);
}

TEST_CASE("what is no request is ignored and the function not called") {
  for (std::string_view const text :
       {"hello", "[]", "{\"cmd\":\"rpc\"}", "{\"callId\":\"7\"}", "{\"callId\":7", ""}) {
    RecordedLine line;
    bool called = false;
    answer_request(
        text,
        [&](std::string_view) {
          called = true;
          return answer_with_error("x");
        },
        line);
    CHECK(line.sent.empty());
    CHECK_FALSE(line.ignored_because.empty());
    CHECK_FALSE(called);
  }
}

TEST_CASE("an answer stops behind the parts that are allowed, and goes on from there") {
  int reads = 0;
  RecordedLine line;
  auto const function = zeros(4 * proto::part_size + 3, 4 * proto::part_size + 3, reads);
  Answering answering(request, function);
  CHECK(answering.go_on(line, 2) == Progress::unfinished);
  CHECK(line.sent.size() == 2);
  // Neither room nor bytes are taken for a part that is not allowed yet.
  CHECK(line.asked.size() == 2);
  CHECK(reads == 2);
  CHECK(answering.go_on(line, 1) == Progress::unfinished);
  CHECK(line.sent.size() == 3);
  CHECK(answering.go_on(line, 2) == Progress::finished);
  REQUIRE(line.sent.size() == 5);
  for (std::size_t part = 0; part < 5; ++part) CHECK(line.answer(part).at("partId") == part + 1);
  CHECK(line.answer(4).at("dataSize") == 3);
}

TEST_CASE("an answer of as many parts as are allowed is finished with the last") {
  int reads = 0;
  RecordedLine line;
  auto const function = zeros(2 * proto::part_size, 2 * proto::part_size, reads);
  CHECK(Answering(request, function).go_on(line, 2) == Progress::finished);
}

TEST_CASE("what the gateway has added to the request is not repeated") {
  RecordedLine line;
  answer_request(
      R"({"callId":7,"timeoutMs":2500,"cmd":"rpc"})",
      [](std::string_view) { return answer_with("", ServiceAnswer::Encoding::bytes); }, line);
  CHECK_FALSE(line.answer(0).contains("timeoutMs"));
}
