#include "reachback/proto/utf8.hpp"

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "random_json.hpp"

namespace reachback::proto {
namespace {

// Straight from RFC 3629: read the number, then ask whether it was written as it must be.
bool is_utf8_by_the_book(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto const lead = static_cast<unsigned char>(text[at]);
    std::size_t const length = lead < 0x80       ? 1
                               : lead >> 5 == 6  ? 2
                               : lead >> 4 == 14 ? 3
                               : lead >> 3 == 30 ? 4
                                                 : 0;
    if (length == 0 || at + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      auto const c = static_cast<unsigned char>(text[at + i]);
      if (c >> 6 != 2) return false;
      point = point << 6 | (c & 0x3Fu);
    }
    std::uint32_t const least = length == 1 ? 0 : length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    at += length;
  }
  return true;
}

TEST_CASE("all texts of one and two bytes are judged as the RFC says") {
  for (int first = 0; first < 256; ++first) {
    REQUIRE(is_valid_utf8(std::string(1, static_cast<char>(first))) == (first < 0x80));
    for (int second = 0; second < 256; ++second) {
      std::string const text = {static_cast<char>(first), static_cast<char>(second)};
      REQUIRE(is_valid_utf8(text) == is_utf8_by_the_book(text));
    }
  }
}

TEST_CASE("all lead bytes with all second bytes before good tails are judged as the RFC says") {
  for (int first = 0xC0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (auto const* tail : {"\x80", "\xBF", "\x80\x80", "\xBF\xBF", "\x80z", "z", "\x80\xC0"}) {
        std::string const text = std::string{static_cast<char>(first), static_cast<char>(second)} + tail;
        REQUIRE(is_valid_utf8(text) == is_utf8_by_the_book(text));
      }
    }
  }
}

TEST_CASE("a fault is found at every place of a text of any length") {
  CHECK(is_valid_utf8(""));
  for (std::size_t size = 1; size < 300; size += size < 100 ? 1 : 29) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      REQUIRE(is_valid_utf8(text));
      text[at] = '\x80';
      REQUIRE_FALSE(is_valid_utf8(text));
      REQUIRE(valid_utf8_prefix(text) == at);
      text.replace(at, 1, "\xE2\x82\xAC");
      REQUIRE(is_valid_utf8(text));
      REQUIRE(valid_utf8_prefix(std::string_view(text).substr(0, at + 2)) == at);
    }
  }
}

TEST_CASE("a text that grows is refused as soon as nothing can make it UTF-8") {
  auto const can_become = [](std::string const& text) {
    for (auto const* tail : {"", "\x80", "\xBF", "\x80\x80", "\xBF\x80", "\x80\x80\x80", "\xBF\x80\x80"})
      if (is_utf8_by_the_book(text + tail)) return true;
    return false;
  };
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string const two = {static_cast<char>(first), static_cast<char>(second)};
      for (std::string const& text : {two.substr(0, 1), two, two + "\x80", two + "z", two + "\x80\xBF"}) {
        REQUIRE(Utf8Checker().grow(text) == can_become(text));
        Utf8Checker checker;
        checker.grow("ok");
        REQUIRE(checker.grow("ok" + text) == can_become(text));
      }
    }
  }
}

TEST_CASE("random texts are judged as the RFC says") {
  test::RandomJson random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto pieces = random.below(6); pieces-- > 0;) {
      static constexpr std::string_view good[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                                  "plain words here"};
      text += random.below(5) == 0 ? random.bytes(1) : std::string(good[random.below(5)]);
    }
    REQUIRE(is_valid_utf8(text) == is_utf8_by_the_book(text));
  }
}

TEST_CASE("a text that comes byte by byte is judged as if it had come at once") {
  for (std::string const text :
       {"", "plain", "\xC3\xA9", "\xF0\x9F\x98\x80 and \xE2\x82\xAC", "\xC3", "\xF0\x9F\x98", "\xED\xA0\x80",
        "good \xFF bad and long enough to go on", "\xC3\xA9\x80", "\xF0\x9F\x98\x80\xF0\x9F"}) {
    CAPTURE(text);
    Utf8Checker checker;
    for (std::size_t size = 1; size <= text.size(); ++size)
      checker.grow(std::string_view(text).substr(0, size));
    CHECK(checker.complete(text) == is_valid_utf8(text));
  }
}

TEST_CASE("ASCII that is known as such ends a character that was cut off, and no other") {
  for (std::string const begin : {"", "plain", "\xC3\xA9", "\xC3", "\xF0\x9F\x98"}) {
    CAPTURE(begin);
    bool const is_whole = is_valid_utf8(begin);
    Utf8Checker checker;
    REQUIRE(checker.grow(begin));
    CHECK(checker.grow(begin + "ascii", 5) == is_whole);
    Utf8Checker at_the_end;
    REQUIRE(at_the_end.grow(begin));
    CHECK(at_the_end.complete(begin + "ascii", 5) == is_whole);
  }
  Utf8Checker checker;
  REQUIRE(checker.grow("known", 5));
  CHECK(checker.grow("known\xC3", 0));
  CHECK_FALSE(checker.complete("known\xC3", 0));
}

TEST_CASE("a cut falls between characters") {
  std::string const text = "a\xC3\xA9\xF0\x9F\x98\x80z";
  std::size_t const lengths[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
  for (std::size_t limit = 0; limit < std::size(lengths); ++limit) {
    CAPTURE(limit);
    CHECK(cut_between_characters(text, limit) == text.substr(0, lengths[limit]));
  }
}

}  // namespace
}  // namespace reachback::proto
