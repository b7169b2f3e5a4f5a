#include "reachback/proto/part_decoder.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include "random_json.hpp"
#include "reachback/proto/base64.hpp"

namespace reachback::proto {
namespace {

constexpr std::size_t limit = 32 * 1024 * 1024;

struct Outcome {
  PartDecoder::State state = PartDecoder::State::more;
  std::string payload;
  std::string fault;
  int steps = 0;
};

Outcome decode(std::string_view members, std::size_t part_limit = limit,
               std::size_t slice = PartDecoder::default_slice) {
  auto const text = fmt::format(R"({{"cmd":"rpc","status":200,"callId":7,{}}})", members);
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  PartDecoder decoder(*answer, part_limit);
  Outcome outcome;
  do {
    outcome.state = decoder.step(slice);
    ++outcome.steps;
  } while (outcome.state == PartDecoder::State::more);
  outcome.fault = decoder.fault();
  outcome.payload = decoder.take_payload();
  return outcome;
}

Outcome decode_data(std::string_view body) { return decode(fmt::format(R"("data":"{}")", body)); }

bool is_bad(Outcome const& outcome, std::string_view why) {
  return outcome.state == PartDecoder::State::bad && outcome.payload.empty() &&
         outcome.fault.find(why) != std::string::npos;
}

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  REQUIRE(compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<Bytef const*>(bytes.data()),
                   bytes.size()) == Z_OK);
  out.resize(size);
  return out;
}

std::string compressed_data(std::string_view stream) {
  return fmt::format(R"("compressed":true,"data":"{}")", to_base64(stream));
}

TEST_CASE("plain data comes out as it went in") {
  CHECK(decode_data("QUJD").payload == "ABC");
  CHECK(decode_data("QUI=").payload == "AB");
  CHECK(decode_data("QQ==").payload == "A");
  CHECK(decode_data("").payload.empty());
  CHECK(decode_data("").state == PartDecoder::State::done);
}

TEST_CASE("a message without data is an empty part") {
  CHECK(decode(R"("x":1)").state == PartDecoder::State::done);
  CHECK(decode(R"("data":null,"compressed":true)").state == PartDecoder::State::done);
  CHECK(is_bad(decode(R"("dataSize":3)"), "dataSize"));
}

TEST_CASE("letters may be escaped") {
  CHECK(decode_data(R"(Pz8\/)").payload == "???");
  CHECK(decode_data(R"(\u0051\u0055JD)").payload == "ABC");
  CHECK(decode_data(R"(\u002b\u002B\/\/)").payload == "\xFB\xEF\xFF");
  CHECK(decode_data(R"(QQ\u003d\u003D)").payload == "A");
}

TEST_CASE("what is no base64 is bad") {
  for (auto const* body : {"QUJ", "Q", "QUJDQ", "QQ=", "Q===", "====", "QQ==QQ==", "QU=D", "QU D", "QU-_",
                           "QUJD\\n", " QUJD", "QUJD    ", "QUJ-", "\\u00e9AAA",
                           "\xC3\xA9"
                           "AA",
                           "\\ud83d\\ude00AAA", "\\\"AAA", "AAA\\\\"}) {
    CAPTURE(body);
    CHECK(is_bad(decode_data(body), "base64"));
  }
}

TEST_CASE("base64 is as strict wherever the slices are cut") {
  for (std::size_t slice = 1; slice < 20; ++slice) {
    CAPTURE(slice);
    CHECK(decode(R"("data":"QUJDREVG\u0051Q==")", limit, slice).payload == "ABCDEFA");
    CHECK(is_bad(decode(R"("data":"QUJDQQ==REVG")", limit, slice), "base64"));
    CHECK(is_bad(decode(R"("data":"QUJDREVG\nQUJD")", limit, slice), "base64"));
    CHECK(is_bad(decode(R"("data":"QUJDREVGA")", limit, slice), "base64"));
  }
}

TEST_CASE("data, hash and dataSize of a wrong type are bad") {
  CHECK(is_bad(decode(R"("data":7)"), "data"));
  CHECK(is_bad(decode(R"("data":["QUJD"])"), "data"));
  CHECK(is_bad(decode(R"("data":"QUJD","hash":7)"), "hash"));
  for (auto const* size : {"-3", "3.0", "\"3\"", "true", "99999999999999999999", "[]"}) {
    CAPTURE(size);
    CHECK(is_bad(decode(fmt::format(R"("data":"QUJD","dataSize":{})", size)), "dataSize"));
  }
}

TEST_CASE("hash and dataSize are checked where they are there") {
  CHECK(decode(R"("data":"QUJD","hash":"902fbdd2b1df0c4f70b4a5d23525e932","dataSize":3)").payload == "ABC");
  CHECK(decode(R"("data":"QUJD","hash":"902FBDD2B1DF0C4F70B4A5D23525E932")").payload == "ABC");
  CHECK(decode(R"("data":"QUJD","hash":"\u003902fbdd2b1df0c4f70b4a5d23525e932")").payload == "ABC");
  CHECK(decode(R"("data":"QUJD","hash":null,"dataSize":null)").payload == "ABC");
  CHECK(is_bad(decode(R"("data":"QUJD","hash":"902fbdd2b1df0c4f70b4a5d23525e933")"), "hash"));
  CHECK(is_bad(decode(R"("data":"QUJD","hash":"")"), "hash"));
  CHECK(is_bad(decode(R"("data":"QUJD","dataSize":2)"), "longer"));
  CHECK(is_bad(decode(R"("data":"QUJD","dataSize":4)"), "shorter"));
  CHECK(is_bad(decode(R"("data":"QUJD","dataSize":0)"), "longer"));
}

TEST_CASE("compressed data is inflated only when compressed is true") {
  auto const stream = to_base64(deflated("hello"));
  CHECK(decode(fmt::format(R"("compressed":true,"data":"{}")", stream)).payload == "hello");
  for (auto const* value : {"false", "null", "1", "\"true\""}) {
    CAPTURE(value);
    CHECK(decode(fmt::format(R"("compressed":{},"data":"{}")", value, stream)).payload == deflated("hello"));
  }
}

TEST_CASE("compressed data that is cut short, spoiled or followed by more is bad at every slice") {
  std::string const bytes(5000, 'x');
  std::string const stream = deflated(bytes);
  for (std::size_t slice : {1U, 4U, 7U, 64U, 65536U}) {
    CAPTURE(slice);
    CHECK(decode(compressed_data(stream), limit, slice).payload == bytes);
    for (std::size_t size = 0; size < stream.size(); ++size) {
      REQUIRE(is_bad(decode(compressed_data(stream.substr(0, size)), limit, slice), "cut short"));
    }
    CHECK(is_bad(decode(compressed_data(stream + "x"), limit, slice), "follow"));
    CHECK(is_bad(decode(compressed_data(stream + stream), limit, slice), "follow"));
    CHECK(is_bad(decode(compressed_data("no zlib here"), limit, slice), "corrupt"));
    std::string wrong_sum = stream;
    wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
    CHECK(is_bad(decode(compressed_data(wrong_sum), limit, slice), "corrupt"));
  }
}

TEST_CASE("inflating stops at the announced size and at the limit") {
  std::string const bytes(10'000'000, '\0');
  auto const data = compressed_data(deflated(bytes));
  auto const announced = decode(data + R"(,"dataSize":1000)");
  CHECK(is_bad(announced, "dataSize"));
  CHECK(announced.steps <= 3);
  auto const limited = decode(data, 100'000);
  CHECK(is_bad(limited, "longer than a part may be"));
  CHECK(limited.steps <= 4);
  CHECK(is_bad(decode(data + R"(,"dataSize":9999999)"), "longer"));
  CHECK(is_bad(decode(data + R"(,"dataSize":10000001)"), "shorter"));
  CHECK(is_bad(decode(data, 9'999'999), "longer"));
  CHECK(decode(data + R"(,"dataSize":10000000)", 10'000'000).payload == bytes);
  CHECK(decode(data, std::string::npos).payload == bytes);
  CHECK(decode(data + R"(,"dataSize":9223372036854775807)", std::string::npos).state ==
        PartDecoder::State::bad);
}

TEST_CASE("one step never does much more than its slice") {
  std::string const bytes(1'000'000, '\0');
  CHECK(decode(compressed_data(deflated(bytes)), limit, 1000).steps >= 1000);
  CHECK(decode(fmt::format(R"("data":"{}")", to_base64(bytes)), limit, 1000).steps >= 1000);
}

TEST_CASE("a decoder that has ended stays as it is and moves") {
  std::string const text = R"({"cmd":"rpc","status":200,"callId":7,"data":"QUJD"})";
  auto const answer = read_answer(text);
  PartDecoder decoder(*answer, limit);
  CHECK(decoder.step() == PartDecoder::State::done);
  CHECK(decoder.step() == PartDecoder::State::done);
  PartDecoder moved = std::move(decoder);
  CHECK(moved.take_payload() == "ABC");
}

TEST_CASE("random payloads come back through random slices, plain and compressed") {
  test::RandomJson random(9);
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = random.bytes(random.below(3000));
    if (random.below(2) == 0) bytes += std::string(random.below(20'000), 'z');
    bool const compress_it = random.below(2) == 0;
    std::string data;
    for (char const c : to_base64(compress_it ? deflated(bytes) : bytes)) {
      auto const spelling = random.below(40);
      if (spelling == 0)
        data += fmt::format("\\u{:04x}", static_cast<int>(c));
      else if (spelling < 20 && c == '/')
        data += "\\/";
      else
        data += c;
    }
    auto const members = fmt::format(R"("compressed":{},"dataSize":{},"hash":"{}","data":"{}")", compress_it,
                                     bytes.size(), md5_hex(bytes), data);
    auto const outcome = decode(members, limit, 1 + random.below(round % 2 == 0 ? 50 : 5000));
    CAPTURE(outcome.fault);
    REQUIRE(outcome.state == PartDecoder::State::done);
    REQUIRE(outcome.payload == bytes);
  }
}

}  // namespace
}  // namespace reachback::proto
