// Texts inside of JSON, and UTF-8: what is escaped reads back, keys compare as their unescaped forms do, and
// a text is UTF-8 when a decoder that follows RFC 3629 to the letter says so.
#include <string>

#include "boost_json.hpp"
#include "input.hpp"
#include "pieces.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/json_text.hpp"
#include "reachback/proto/utf8.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

/// The length of the character at the front (RFC 3629, 4), 0 when there is none.
std::size_t character(std::string_view text) {
  auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto const tail = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
  unsigned const a = at(0), b = at(1);
  if (text.empty()) return 0;
  if (a <= 0x7F) return 1;
  if (a >= 0xC2 && a <= 0xDF) return tail(1) ? 2 : 0;
  bool const three = (a == 0xE0 && b >= 0xA0 && b <= 0xBF) || (a == 0xED && b >= 0x80 && b <= 0x9F) ||
                     (a >= 0xE1 && a <= 0xEF && a != 0xED && tail(1));
  if (three) return tail(2) ? 3 : 0;
  bool const four = (a == 0xF0 && b >= 0x90 && b <= 0xBF) || (a == 0xF4 && b >= 0x80 && b <= 0x8F) ||
                    (a >= 0xF1 && a <= 0xF3 && tail(1));
  return four && tail(2) && tail(3) ? 4 : 0;
}

std::size_t characters_prefix(std::string_view text) {
  std::size_t size = 0;
  while (auto const more = character(text.substr(size))) size += more;
  return size;
}

void check_utf8(std::string_view text, std::size_t limit) {
  std::size_t const valid = characters_prefix(text);
  expect(proto::valid_utf8_prefix(text) == valid, "the longest prefix is the book's");
  expect(proto::is_valid_utf8(text) == (valid == text.size()), "and so is the verdict");
  proto::Utf8Checker checker;
  Pieces pieces(Cut::mixed, text);
  for (std::size_t size = 0; size < text.size();)
    checker.grow(text.substr(0, size += pieces.next(text.size() - size)));
  expect(checker.complete(text) == (valid == text.size()), "bit by bit, too");
  auto const sound = text.substr(0, valid);
  auto const cut = proto::cut_between_characters(sound, limit);
  expect(cut.size() <= limit && sound.starts_with(cut), "a cut text is the beginning");
  expect(proto::is_valid_utf8(cut), "no character is cut");
  expect(cut.size() == sound.size() || cut.size() + 4 > limit, "no more is cut than has to be");
}

void check_escape(std::string_view text) {
  auto const escaped = proto::escape(text);
  expect(proto::is_valid_utf8(escaped), "what is escaped is UTF-8");
  auto const read = boost_opinion('"' + escaped + '"', 1).value;
  expect(read && read->is_string(), "what is escaped is a string of JSON");
  auto const back = proto::unescape(escaped);
  expect(read->as_string() == back, "it is unescaped as Boost.JSON does");
  if (proto::is_valid_utf8(text)) expect(back == text, "what was escaped reads back");
}

/// Keys as the scanner hands them out; empty when it does not.
std::string_view scanned_key(std::string& object, std::string_view key) {
  object = "{\"" + std::string(key) + "\":1}";
  proto::ObjectScanner scanner(object);
  auto const member = scanner.next();
  bool const sound = member && !scanner.next() && scanner.error() == proto::JsonError::none;
  return sound ? member->key : std::string_view();
}

void check_keys(std::string_view one, std::string_view two) {
  std::string first, second;
  auto const a = scanned_key(first, one), b = scanned_key(second, two);
  auto const of_a = boost_opinion('"' + std::string(a) + '"', 1),
             of_b = boost_opinion('"' + std::string(b) + '"', 1);
  if (!of_a.value || !of_b.value) return;  // lone surrogates
  bool const equal = of_a.value == of_b.value;
  expect((proto::key_identity(a) == proto::key_identity(b)) == equal, "equal keys are equal");
  expect(proto::unescape(a) == of_a.value->as_string(), "a key is unescaped as Boost.JSON does");
  expect(proto::key_equals(a, "callId") == (of_a.value->as_string() == "callId"), "a known key is known");
}

void run(std::string_view input) {
  Input script(input);
  std::size_t const limit = script.number(0, 255);
  auto const one = script.line();
  auto const two = script.rest();
  check_utf8(two, limit);
  check_escape(two);
  check_keys(one, two);
}

Registration const registration("json_text", run);

}  // namespace
}  // namespace reachback::fuzz
