#include "reachback/proto/json_scanner.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "random_json.hpp"

namespace reachback::proto {
namespace {

struct Scan {
  std::vector<JsonMember> members;
  JsonError error = JsonError::none;
};

Scan scan(std::string_view text) {
  Scan result;
  ObjectScanner scanner(text);
  while (auto const member = scanner.next()) result.members.push_back(*member);
  result.error = scanner.error();
  return result;
}

JsonError error_of(std::string_view text) { return scan(text).error; }

JsonValue value_of(std::string const& text) {
  static std::string kept;
  kept = "{\"k\":" + text + "}";
  auto const result = scan(kept);
  return result.error == JsonError::none ? result.members.at(0).value : JsonValue{};
}

std::string nested(std::size_t inner, std::string_view open, std::string_view close, std::string_view core) {
  std::string text = "{\"k\":";
  for (std::size_t i = 0; i < inner; ++i) text += open;
  text += core;
  for (std::size_t i = 0; i < inner; ++i) text += close;
  return text + "}";
}

TEST_CASE("the scanner hands out top-level members in order as they stand") {
  std::string const text =
      R"( { "cmd" : "rpc", "n":-1.5e3 ,"args":[1,{"callId":2}], "t":true,"z":null,"o":{} } )";
  auto const [members, error] = scan(text);
  CHECK(error == JsonError::none);
  REQUIRE(members.size() == 6);
  CHECK(members[0].key == "cmd");
  CHECK(members[0].value.raw == "\"rpc\"");
  CHECK(members[0].value.string_body() == "rpc");
  CHECK(members[1].value.kind == JsonKind::number);
  CHECK(members[1].value.raw == "-1.5e3");
  CHECK(members[2].value.kind == JsonKind::array);
  CHECK(members[2].value.raw == "[1,{\"callId\":2}]");
  CHECK(members[3].value.is_true());
  CHECK_FALSE(members[4].value.present());
  CHECK(members[4].value.kind == JsonKind::null);
  CHECK(members[5].value.raw == "{}");
}

TEST_CASE("a line break between tokens is told of, wherever it stands; an escaped one is none") {
  auto const saw = [](std::string_view text) {
    ObjectScanner scanner(text);
    while (scanner.next()) {}
    REQUIRE(scanner.error() == JsonError::none);
    return scanner.saw_line_break();
  };
  for (auto const* text : {"\n{}", "{\r}", "{}\n", "{\"a\":1,\n\"b\":2}", "{\"a\" :\r1}", "{\"a\":[1,\n2]}",
                           "{\"a\":1\n}", "{\"a\":\n\"b\"}", "{\"a\":{\"b\":{} \r}}"}) {
    CAPTURE(text);
    CHECK(saw(text));
  }
  for (auto const* text : {"{}", " { } ", "{\"a\":\t[1, 2]}", R"({"a\n":"b\r\n"})", R"({"a":"b","c":1})"}) {
    CAPTURE(text);
    CHECK_FALSE(saw(text));
  }
}

TEST_CASE("an empty object has no members and no fault") {
  for (auto const* text : {"{}", " {\n} ", "{\t}\r\n"}) {
    CAPTURE(text);
    CHECK(scan(text).members.empty());
    CHECK(error_of(text) == JsonError::none);
  }
}

TEST_CASE("what does not begin with a brace is no object") {
  for (auto const* text : {"", " ", "[]", "7", "\"x\"", "null", "garbage", "}", "\xEF\xBB\xBF{}"}) {
    CAPTURE(text);
    CHECK(error_of(text) == JsonError::not_an_object);
  }
}

TEST_CASE("faults of structure are found") {
  for (auto const* text : {"{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\" 1}",
                           "{\"a\":1 \"b\":2}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":1}}",
                           "{\"a\":1} x",
                           "{} {}",
                           "{\"a\":[1,]}",
                           "{\"a\":[,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\":[}",
                           "{\"a\":{]}",
                           "{\"a\":{\"b\"}}",
                           "{\"a\":{\"b\":1,}}",
                           "{\"a\":[}]}",
                           "{\"a\":{\"b\":[1}}",
                           "{\"a\":{1:2}}",
                           "{1:2}",
                           "{\"a\":}",
                           "{\"a\"::1}",
                           "{\"a\":[[1]}",
                           "{\"a\":[]]}",
                           "{\"a\":{,}}"}) {
    CAPTURE(text);
    CHECK(error_of(text) == JsonError::bad_syntax);
  }
}

TEST_CASE("numbers follow the grammar exactly") {
  for (auto const* good : {"0", "-0", "1", "10", "1.0", "0.5", "1e5", "1E+5", "1e-05", "-1.25E10", "0e0",
                           "123456789012345678901234567890", "1e999999"}) {
    CAPTURE(good);
    CHECK(value_of(good).raw == good);
  }
  for (auto const* bad : {"01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "--1", "0x10", "1_0", "NaN",
                          "Infinity", "-Infinity", "1a", "00", "-01", "1.2.3", "1e5.0"}) {
    CAPTURE(bad);
    CHECK(value_of(bad).kind == JsonKind::absent);
  }
}

TEST_CASE("literals are whole words in lower case") {
  for (auto const* bad : {"tru", "True", "truee", "nul", "nulll", "fals", "FALSE", "undefined"}) {
    CAPTURE(bad);
    CHECK(value_of(bad).kind == JsonKind::absent);
  }
}

TEST_CASE("escapes of strings follow the grammar exactly and lone surrogates pass") {
  for (auto const* good : {R"("\"\\\/\b\f\n\r\t")", R"("\u0000")", R"("\uD83D\uDE00")", R"("\ud800")",
                           R"("\udfff\ud800x")", R"("")", R"("\uabCD")"}) {
    CAPTURE(good);
    CHECK(value_of(good).raw == good);
  }
  for (auto const* bad : {R"("\x")", R"("\u12")", R"("\u12G4")", R"("\U0041")", R"("\")", R"("\u")",
                          R"("\u 123")", "\"\\\n\"", R"("abc)"}) {
    CAPTURE(bad);
    CHECK(value_of(bad).kind == JsonKind::absent);
  }
}

TEST_CASE("a control character, a quote and a backslash are seen at every place of a string of any length") {
  for (std::size_t size = 1; size < 200; ++size) {
    for (std::size_t at = 0; at < size; at += size < 40 ? 1 : 7) {
      CAPTURE(size);
      CAPTURE(at);
      std::string body(size, 'x');
      body[at] = '\x1f';
      REQUIRE(value_of("\"" + body + "\"").kind == JsonKind::absent);
      body[at] = '\0';
      REQUIRE(value_of("\"" + body + "\"").kind == JsonKind::absent);
      body[at] = '"';
      REQUIRE(value_of("\"" + body + "\"").kind == JsonKind::absent);
      body[at] = '\x7f';
      REQUIRE(value_of("\"" + body + "\"").string_body() == body);
      body[at] = '\xff';
      REQUIRE(value_of("\"" + body + "\"").string_body() == body);
      body.replace(at, 1, "\\\"");
      REQUIRE(value_of("\"" + body + "\"").string_body() == body);
    }
  }
}

TEST_CASE("every byte but those with a meaning may stand in a string") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    std::string const text = "\"" + std::string(20, 'x') + static_cast<char>(byte) + "01234567890\"";
    bool const allowed = byte >= 0x20 && byte != '"' && byte != '\\';
    CHECK((value_of(text).kind == JsonKind::string) == allowed);
  }
}

TEST_CASE("nesting goes to 512 levels with the outer object and no further") {
  for (auto const& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}, std::pair{"[ ", "\n]"}}) {
    CAPTURE(open);
    CHECK(error_of(nested(511, open, close, "1")) == JsonError::none);
    CHECK(error_of(nested(512, open, close, "1")) == JsonError::too_deep);
    CHECK(error_of(nested(510, open, close, "{}")) == JsonError::none);
    CHECK(error_of(nested(511, open, close, "{}")) == JsonError::too_deep);
  }
  CHECK(error_of("{\"a\":" + std::string(1'000'000, '[')) == JsonError::too_deep);
  CHECK(error_of(nested(255, "[{\"a\":", "}]", "[]")) == JsonError::none);
  CHECK(error_of(nested(256, "[{\"a\":", "}]", "1")) == JsonError::too_deep);
}

TEST_CASE("an integer is read only from what is one and fits") {
  CHECK(value_of("7").integer() == 7);
  CHECK(value_of("-0").integer() == 0);
  CHECK(value_of("-12").integer() == -12);
  CHECK(value_of("12345678").integer() == 12345678);
  CHECK(value_of("1234567890123456").integer() == 1234567890123456);
  CHECK(value_of("999999999999999999").integer() == 999999999999999999);
  CHECK(value_of("9223372036854775807").integer() == INT64_MAX);
  CHECK(value_of("-9223372036854775808").integer() == INT64_MIN);
  for (auto const* text : {"9223372036854775808", "7.0", "7e0", "1234567.5", "12345678.5", "1234567890e0",
                           "\"7\"", "true", "null", "[7]", "123456789012345678901234567890"}) {
    CAPTURE(text);
    CHECK_FALSE(value_of(text).integer());
  }
  CHECK_FALSE(JsonValue{}.integer());
}

TEST_CASE("a fault keeps the scanner at its end and names a place in the text") {
  ObjectScanner scanner("{\"a\":1,\"b\":tru}");
  REQUIRE(scanner.next());
  CHECK_FALSE(scanner.next());
  CHECK_FALSE(scanner.next());
  CHECK(scanner.error() == JsonError::bad_syntax);
  CHECK(scanner.position() == 11);
}

TEST_CASE("a scan never reads past its text") {
  std::string const whole = R"({"callId":12,"s":"text with \u00e9 and more","a":[1,{"b":true}],"n":-1.5e+7})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<char> const exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(error_of({exact.data(), exact.size()}) != JsonError::none);
  }
}

/// What a scan has found, by places and not by addresses.
struct Found {
  std::vector<std::string> keys, values;
  JsonError error = JsonError::none;
  std::size_t position = 0;
  friend bool operator==(Found const&, Found const&) = default;

  void take_from(ObjectScanner& scanner) {
    while (auto const member = scanner.next()) {
      keys.emplace_back(member->key);
      values.emplace_back(member->value.raw);
    }
    error = scanner.error();
    position = scanner.position();
  }
};

Found found_at_once(std::string_view text) {
  Found found;
  ObjectScanner scanner(text);
  found.take_from(scanner);
  return found;
}

/// The text comes in pieces of `next_size()` bytes, and moves each time.
template <class NextSize>
Found found_in_pieces(std::string_view text, NextSize next_size) {
  Found found;
  ObjectScanner scanner;
  std::vector<char> there;
  while (there.size() < text.size()) {
    auto const size = std::min<std::size_t>(next_size(), text.size() - there.size());
    std::vector<char> moved(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(there.size() + size));
    there = std::move(moved);
    // The last piece comes with the news that it is the last.
    if (there.size() == text.size()) break;
    scanner.grow({there.data(), there.size()});
    found.take_from(scanner);
  }
  scanner.complete({there.data(), there.size()});
  found.take_from(scanner);
  return found;
}

TEST_CASE("a text that comes byte by byte is read as if it had come at once") {
  for (
      std::string const text :
      {R"( { "cmd" : "rpc" , "n":-12.50e+3 ,"args":[1,{"callId":[]},"\u00e9\\"], "t":true,"f":false,"z":null} )",
       R"({"a":0,"b":-0.5E1,"c":{},"d":[[]],"e":"","\ud800":1e5})", "{}", " { } ", "{\"a\":tru}",
       "{\"a\":01}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12G4\"}",
       "{\"a\":[1,]}", "{\"a\":1}}", "{\"a\":1", "{\"a", "[]", "", "{\"a\":{\"b\"}}", "{\"a\":\"\n\"}"}) {
    CAPTURE(text);
    CHECK(found_in_pieces(text, [] { return 1; }) == found_at_once(text));
  }
}

TEST_CASE("thousands of good and spoiled objects are read in pieces as at once") {
  test::RandomJson random(3);
  for (int i = 0; i < 10'000; ++i) {
    auto const text = i % 2 == 0 ? random.object() : random.spoiled(random.object());
    CAPTURE(text);
    REQUIRE(found_in_pieces(text, [&] { return 1 + random.below(9); }) == found_at_once(text));
  }
}

TEST_CASE("members come in groups of any size as they come one by one") {
  test::RandomJson random(4);
  for (int i = 0; i < 5'000; ++i) {
    auto const text = i % 2 == 0 ? random.object() : random.spoiled(random.object());
    CAPTURE(text);
    Found found;
    ObjectScanner scanner(text);
    std::vector<JsonMember> room(1 + random.below(5));
    std::size_t count = 0;
    do {
      count = scanner.next(room);
      for (JsonMember const& member : std::span(room).first(count)) {
        found.keys.emplace_back(member.key);
        found.values.emplace_back(member.value.raw);
      }
    } while (count == room.size());
    CHECK(scanner.next(room) == 0);
    found.error = scanner.error();
    found.position = scanner.position();
    REQUIRE(found == found_at_once(text));
  }
}

TEST_CASE("a key tells whether an escape stands in it, however it is written") {
  std::string const text = R"({"a\n":1,"b":[{}], "\u0063" : {"d":[]},"e":"\n"})";
  auto const [members, error] = scan(text);
  REQUIRE(error == JsonError::none);
  REQUIRE(members.size() == 4);
  CHECK(members[0].key_has_escape);
  CHECK_FALSE(members[1].key_has_escape);
  CHECK(members[2].key_has_escape);
  CHECK_FALSE(members[3].key_has_escape);
}

TEST_CASE("arrays of plain values and the spaces that JSON writers put are read as they stand") {
  for (auto const* good : {"[]", "{}", "[1]", "[1,2]", "[1, 2]", R"(["a", "b",true, false,null])",
                           R"(["\\"])", "[0]", "[1 ]", "[ 1]", "[1,  2]", "[[1]]", "[{}]", "[1.5]", "[-1]"}) {
    CAPTURE(good);
    CHECK(value_of(good).raw == good);
    for (auto const* behind : {"", ",\"l\":1", ", \"l\": {}"}) {
      std::string const text = std::string("{\"k\":") + good + behind + "}";
      auto const [members, error] = scan(text);
      REQUIRE(error == JsonError::none);
      CHECK(members.at(0).value.raw == good);
      CHECK(members.at(0).value.kind == (good[0] == '[' ? JsonKind::array : JsonKind::object));
      CHECK(found_in_pieces(text, [] { return 1; }) == found_at_once(text));
    }
  }
  for (auto const* bad : {"[", "]", "[1", "[1,", "[1,]", "[,1]", "[1}", "{]", "[01]", "[tru]", "[true1]",
                          "[1 2]", "[\"a]", "[1,\"a\n\"]", "{}{}", "[][]"}) {
    CAPTURE(bad);
    CHECK(value_of(bad).kind == JsonKind::absent);
    std::string const text = std::string("{\"k\":") + bad + ",\"l\":1}";
    CHECK(error_of(text) == JsonError::bad_syntax);
    CHECK(found_in_pieces(text, [] { return 1; }) == found_at_once(text));
  }
  CHECK(scan(R"({"a": 1, "b": "c", "d": [1, "e"], "f": true})").members.size() == 4);
  CHECK(error_of(R"({"a": 1, })") == JsonError::bad_syntax);
}

TEST_CASE("a fault is found when it has come, whatever follows") {
  ObjectScanner scanner;
  std::string const text = "{\"a\":[1,2,,3,4]";
  scanner.grow(text);
  CHECK_FALSE(scanner.next());
  CHECK(scanner.error() == JsonError::bad_syntax);
  CHECK(scanner.position() == 10);
}

// Boost.JSON as oracle. Deliberate differences: only objects are messages, lone surrogates and exponents
// beyond a double pass, UTF-8 is checked elsewhere, and depth is tested above.
enum class Oracle { accepts, rejects, differs };

std::uint32_t code_unit_at(std::string_view text, std::size_t at) {
  auto const escape_sequence = text.substr(std::min(at, text.size()), 6);
  if (escape_sequence.size() < 6 || !escape_sequence.starts_with("\\u")) return 0;
  if (escape_sequence.find_first_not_of("0123456789abcdefABCDEF", 2) != std::string_view::npos) return 0;
  return static_cast<std::uint32_t>(std::stoul(std::string(escape_sequence.substr(2)), nullptr, 16));
}

// What the oracle is shown: it refuses lone surrogates, which the protocol lets pass.
std::string without_lone_surrogates(std::string text) {
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    auto const high_bits = code_unit_at(text, at) >> 10;
    if (high_bits == 0xD800 >> 10 && code_unit_at(text, at + 6) >> 10 == 0xDC00 >> 10) {
      at += 12;
    } else if (high_bits == 0xD800 >> 10 || high_bits == 0xDC00 >> 10) {
      text.replace(at + 2, 4, "fffd");
    } else {
      at += 2;
    }
  }
  return text;
}

Oracle ask_boost(std::string_view text, boost::json::value& value) {
  boost::json::parse_options options;
  options.max_depth = 1000;
  options.allow_invalid_utf8 = true;
  boost::system::error_code fault;
  value = boost::json::parse(without_lone_surrogates(std::string(text)), fault, {}, options);
  if (fault == boost::json::error::exponent_overflow) return Oracle::differs;
  return fault ? Oracle::rejects : Oracle::accepts;
}

void check_members(std::vector<JsonMember> const& members, boost::json::object const& expected) {
  std::map<std::string, JsonValue> last;
  for (auto const& member : members) last[unescape(member.key)] = member.value;
  REQUIRE(last.size() == expected.size());
  for (auto const& [key, value] : last) {
    auto const* const other = expected.if_contains(key);
    REQUIRE(other != nullptr);
    boost::json::value mine;
    REQUIRE(ask_boost(value.raw, mine) == Oracle::accepts);
    // As texts, since Boost.JSON reads `0E313` as a NaN, which equals nothing.
    REQUIRE(boost::json::serialize(mine) == boost::json::serialize(*other));
  }
}

void compare_with_boost(std::string const& text) {
  CAPTURE(text);
  boost::json::value expected;
  auto const oracle = ask_boost(text, expected);
  if (oracle == Oracle::differs) return;
  auto const [members, error] = scan(text);
  bool const should_pass = oracle == Oracle::accepts && expected.is_object();
  REQUIRE((error == JsonError::none) == should_pass);
  if (should_pass) check_members(members, expected.as_object());
}

TEST_CASE("a long text ends at its quote and bears no control character, wherever in it they stand") {
  std::size_t const length = 1500;
  for (std::size_t at = 0; at < length; ++at) {
    CAPTURE(at);
    auto const with = [&](char c) {
      std::string text(length, 'x');
      text[at] = c;
      return "{\"a\":\"" + text + "\"}";
    };
    for (char const plain : {' ', '!', '#', '[', ']', '\x7f'})
      REQUIRE(error_of(with(plain)) == JsonError::none);
    for (char const bad : {'\0', '\n', '\x1f', '"'}) REQUIRE(error_of(with(bad)) == JsonError::bad_syntax);
    // A backslash and the x behind it.
    REQUIRE(error_of(with('\\')) == JsonError::bad_syntax);
  }
}

TEST_CASE("a long text in another script is one text") {
  std::string text;
  for (int c = 0x80; c < 0x100; ++c) text.append(20, static_cast<char>(c));
  CHECK(error_of("{\"a\":\"" + text + "\"}") == JsonError::none);
}

TEST_CASE("the scanner and Boost.JSON agree on thousands of valid objects") {
  test::RandomJson random(1);
  for (int i = 0; i < 4000; ++i) compare_with_boost(random.object());
}

TEST_CASE("the scanner and Boost.JSON agree on tens of thousands of spoiled objects") {
  test::RandomJson random(2);
  for (int i = 0; i < 40'000; ++i) compare_with_boost(random.spoiled(random.object()));
}

}  // namespace
}  // namespace reachback::proto
