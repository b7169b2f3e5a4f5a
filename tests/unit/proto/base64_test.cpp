#include "reachback/proto/base64.hpp"

#include <doctest/doctest.h>

#include "random_json.hpp"

namespace reachback::proto {
namespace {

TEST_CASE("the examples of RFC 4648") {
  CHECK(to_base64("").empty());
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(to_base64("foob") == "Zm9vYg==");
  CHECK(to_base64("fooba") == "Zm9vYmE=");
  CHECK(to_base64("foobar") == "Zm9vYmFy");
  CHECK(to_base64("\xFB\xFF") == "+/8=");
}

TEST_CASE("pieces of any size give the same text as the whole and it decodes to the bytes") {
  test::RandomJson random(8);
  for (int round = 0; round < 3000; ++round) {
    std::string const bytes = random.bytes(random.below(round % 50 == 0 ? 200'000 : 200));
    Base64Encoder encoder;
    std::string text = "kept:";
    for (std::size_t at = 0; at < bytes.size();) {
      auto const piece = std::string_view(bytes).substr(at, random.below(round % 3 == 0 ? 4 : 5000));
      encoder.update(piece, text);
      at += piece.size();
    }
    encoder.finish(text);
    REQUIRE(text == "kept:" + to_base64(bytes));
    std::string back = "b";
    REQUIRE(decode_base64(std::string_view(text).substr(5), Padding::allowed, back));
    REQUIRE(back == "b" + bytes);
  }
}

TEST_CASE("an encoder starts over after its end") {
  Base64Encoder encoder;
  std::string text;
  encoder.update("f", text);
  encoder.finish(text);
  encoder.update("fo", text);
  encoder.finish(text);
  encoder.finish(text);
  CHECK(text == "Zg==Zm8=");
}

TEST_CASE("blocks beyond OpenSSL's step are joined without a seam") {
  std::string const bytes((std::size_t{3} << 20) + 7, 'x');
  std::string const text = to_base64(bytes);
  CHECK(text.size() == (bytes.size() + 2) / 3 * 4);
  std::string back;
  REQUIRE(decode_base64(text, Padding::allowed, back));
  CHECK(back == bytes);
}

TEST_CASE("only the 64 letters are letters, at every place") {
  std::string_view const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t size : {4U, 64U, 100U}) {
    for (int byte = 0; byte < 256; ++byte) {
      for (std::size_t at = 0; at < size; at += size == 4 ? 1 : 13) {
        std::string text(size, 'A');
        text[at] = static_cast<char>(byte);
        std::string out;
        bool const is_letter = letters.find(static_cast<char>(byte)) != std::string_view::npos;
        REQUIRE(decode_base64(text, Padding::refused, out) == is_letter);
      }
    }
  }
}

TEST_CASE("padding stands at the end only and where it is allowed") {
  std::string out;
  for (auto const* text : {"QQ==", "QUE=", "QUJDQQ=="}) {
    CAPTURE(text);
    CHECK(decode_base64(text, Padding::allowed, out));
    CHECK_FALSE(decode_base64(text, Padding::refused, out));
  }
  for (auto const* text : {"Q===", "====", "=QQQ", "Q=QQ", "QQ=Q", "QQ==QQ==", "QQ", "QQQ", "QQQQQ", "QQ==\n",
                           " QQ=", "QQQ-", "QQQ_", "QQQ\n"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text, Padding::allowed, out));
  }
}

}  // namespace
}  // namespace reachback::proto
