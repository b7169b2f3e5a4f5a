#include "reachback/proto/json_text.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "random_json.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::proto {
namespace {

TEST_CASE("keys are compared after unescaping") {
  CHECK(key_equals("callId", "callId"));
  CHECK(key_equals(R"(\u0063allId)", "callId"));
  CHECK(key_equals(R"(\u0063\u0061\u006c\u006C\u0049\u0064)", "callId"));
  CHECK_FALSE(key_equals("callid", "callId"));
  CHECK_FALSE(key_equals("callI", "callId"));
  CHECK_FALSE(key_equals(R"(\u0043allId)", "callId"));
  CHECK_FALSE(key_equals(R"(\\u0063allId)", "callId"));
  CHECK(key_equals("", ""));
}

TEST_CASE("every escape is undone") {
  CHECK(unescape(R"(a\"\\\/\b\f\n\r\tz)") == "a\"\\/\b\f\n\r\tz");
  CHECK(unescape(R"(\u0041\u00e9\u20AC\ud83d\ude00)") == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(unescape(R"(\u0000)") == std::string(1, '\0'));
  CHECK(unescape(R"(\uDBFF\uDFFF)") == "\xF4\x8F\xBF\xBF");
  CHECK(unescape("plain") == "plain");
}

TEST_CASE("a lone surrogate becomes the replacement character") {
  CHECK(unescape(R"(\ud800)") == "\xEF\xBF\xBD");
  CHECK(unescape(R"(\ud800x)") == "\xEF\xBF\xBDx");
  CHECK(unescape(R"(\udc00\ud800)") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(unescape(R"(\ud800\ud83d\ude00)") == "\xEF\xBF\xBD\xF0\x9F\x98\x80");
  CHECK(unescape(R"(\ud800\u0041)") == "\xEF\xBF\xBD\x41");
}

TEST_CASE("keys that differ in a lone surrogate stay apart") {
  CHECK(key_identity(R"(\ud800)") != key_identity(R"(\ud801)"));
  CHECK(key_identity(R"(\ud800)") != key_identity(R"(\ufffd)"));
  CHECK(key_identity(R"(\uD800)") == key_identity(R"(\ud800)"));
  CHECK(key_identity(R"(\u00e9)") == key_identity("\xC3\xA9"));
}

TEST_CASE("escaping gives a JSON string that reads back as the text") {
  CHECK(escape("a\"b\\c\n\r\t\x01\x1f/") == R"(a\"b\\c\n\r\t\u0001\u001f/)");
  test::RandomJson random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string text = random.bytes(random.below(100));
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    text += random.below(2) == 0 ? "\xC3\xA9" : "";
    auto const body = escape(text);
    REQUIRE(unescape(body) == text);
    REQUIRE(boost::json::parse("\"" + body + "\"").as_string() == text);
  }
}

TEST_CASE("escaping makes UTF-8 of anything") {
  CHECK(escape("a\xFFz") == "a\xEF\xBF\xBDz");
  CHECK(escape("\xC3") == "\xEF\xBF\xBD");
  test::RandomJson random(4);
  for (int i = 0; i < 1000; ++i) REQUIRE(is_valid_utf8(escape(random.bytes(random.below(60)))));
}

}  // namespace
}  // namespace reachback::proto
