// The head of a message, read without a tree: the same members as Boost.JSON finds, the same whether the text
// comes at once or bit by bit; and what a service's answer or a caller's request means follows from them.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "boost_json.hpp"
#include "pieces.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/request.hpp"
#include "reachback/proto/utf8.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

namespace json = boost::json;
using proto::JsonError;
using proto::JsonKind;

struct Scan {
  using Member = std::tuple<std::string, std::string, JsonKind>;
  std::vector<Member> members;
  JsonError error = JsonError::none;
  bool saw_line_break = false;
  std::size_t position = 0;
};

/// The text lies elsewhere in memory each time that it has grown.
Scan scan(std::string_view text, Cut cut) {
  Scan result;
  proto::ObjectScanner scanner;
  Pieces pieces(cut, text);
  std::string here;
  auto const take_members = [&] {
    while (auto const member = scanner.next())
      result.members.emplace_back(member->key, member->value.raw, member->value.kind);
  };
  for (std::size_t size = 0; size < text.size();) {
    size += pieces.next(text.size() - size);
    here = std::string(text.substr(0, size));
    scanner.grow(here);
    take_members();
  }
  scanner.complete(here);
  take_members();
  expect(scanner.position() <= text.size(), "a fault is inside of the text");
  result.error = scanner.error();
  result.saw_line_break = scanner.saw_line_break();
  result.position = scanner.position();
  return result;
}

JsonKind kind_of(json::value const& value) {
  switch (value.kind()) {
    case json::kind::null:
      return JsonKind::null;
    case json::kind::bool_:
      return JsonKind::boolean;
    case json::kind::string:
      return JsonKind::string;
    case json::kind::array:
      return JsonKind::array;
    case json::kind::object:
      return JsonKind::object;
    default:
      return JsonKind::number;
  }
}

/// Of equal keys the last counts.
void compare_members(Scan const& scan, json::object const& object) {
  std::map<std::string, Scan::Member const*> last;
  for (auto const& member : scan.members) last[proto::unescape(std::get<0>(member))] = &member;
  expect(last.size() == object.size(), "as many keys as Boost.JSON finds");
  for (auto const& [key, value] : object) {
    auto const found = last.find(std::string(key));
    expect(found != last.end(), "the keys that Boost.JSON finds");
    auto const& [escaped, raw, kind] = *found->second;
    expect(kind == kind_of(value), "values of the same kind");
    auto const again = boost_opinion(raw, proto::ObjectScanner::max_depth);
    expect(again.value == value, "the same values");
    expect(proto::key_equals(escaped, "callId") == (key == "callId"), "keys compare after unescaping");
  }
}

void check_scanner(std::string_view text, Scan const& whole, BoostOpinion const& boost) {
  for (auto const cut : {Cut::single_bytes, Cut::mixed}) {
    // Each byte copies all of the text before it.
    if (cut == Cut::single_bytes && text.size() > 2000) continue;
    auto const other = scan(text, cut);
    expect(other.error == whole.error, "the same fault, bit by bit");
    expect(other.members == whole.members, "the same members, bit by bit");
    expect(other.saw_line_break == whole.saw_line_break, "the same line breaks, bit by bit");
  }
  if (!boost.comparable) return;
  bool const is_object = boost.value && boost.value->is_object();
  expect((whole.error == JsonError::none) == is_object, "what is an object for Boost.JSON is one");
  expect(!boost.too_deep || whole.error != JsonError::none, "the depth is bounded");
  if (is_object) compare_members(whole, boost.value->as_object());
}

std::int64_t const* integer_in(json::object const& object, std::string_view key) {
  auto const* const value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_int64();
}

template <class Reader>
auto read_in_pieces(std::string_view text, std::string& here) {
  Reader reader;
  Pieces pieces(Cut::mixed, text);
  for (std::size_t size = 0; size < text.size();) {
    size += pieces.next(text.size() - size);
    here = std::string(text.substr(0, size));
    reader.grow(here);
  }
  return reader.complete(here);
}

void check_answer(std::string_view text, Scan const& scan, BoostOpinion const& boost) {
  auto const answer = proto::read_answer(text);
  std::string here;
  auto const other = read_in_pieces<proto::AnswerReader>(text, here);
  expect(answer.has_value() == other.has_value(), "the same verdict, bit by bit");
  if (!answer) return expect(answer.error() == other.error(), "the same fault, bit by bit");
  expect(scan.error == JsonError::none, "an answer is an object");
  expect(answer->call_id == other->call_id && answer->status == other->status, "the same head, bit by bit");
  expect(answer->data.raw == other->data.raw && answer->error.raw == other->error.raw, "the same data");
  expect(answer->hash.raw == other->hash.raw && answer->file_hash.raw == other->file_hash.raw, "and hashes");
  expect(answer->position.has_value() == other->position.has_value(), "the same position");
  if (answer->position) {
    auto const [id, count] = *answer->position;
    expect(1 <= id && id <= count && count <= proto::max_parts, "a part is one of its answer's");
  }
  expect(proto::to_number(answer->call_id) <= proto::max_call_id, "a callId fits into a double");
  if (!boost.value) return;
  auto const& object = boost.value->as_object();
  auto const *const status = integer_in(object, "status"), *const id = integer_in(object, "callId");
  expect(status != nullptr && *status == answer->status, "the status is Boost.JSON's");
  expect(id != nullptr && static_cast<std::uint64_t>(*id) == proto::to_number(answer->call_id),
         "the callId is Boost.JSON's");
  auto const* const data = object.if_contains("data");
  expect(answer->has_data == (data != nullptr && !data->is_null()), "and so is whether there is data");
}

void check_request(std::string_view text, Scan const& scan, BoostOpinion const& boost) {
  auto const request = proto::check_request(text);
  std::string here;
  auto const other = read_in_pieces<proto::RequestChecker>(text, here);
  expect(request.has_value() == other.has_value(), "the same verdict, bit by bit");
  if (!request) return expect(request.error().detail == other.error().detail, "the same fault, bit by bit");
  expect(scan.error == JsonError::none && proto::is_valid_utf8(text), "a request is an object in UTF-8");
  expect(request->members_at == other->members_at && request->empty == other->empty, "the same place");
  expect(request->description == other->description, "the same description");
  auto const description = proto::describe_request(text);
  expect(description.size() <= 500 && proto::is_valid_utf8(description), "a description is short text");
  if (!boost.value) return;
  auto expected = boost.value->as_object();
  expect(!expected.contains("callId"), "a request has no callId");
  auto const frame =
      proto::splice_head(*request, proto::CallId{7}) + std::string(text.substr(request->members_at));
  expected["callId"] = 7;
  expect(boost_opinion(frame, proto::ObjectScanner::max_depth).value == json::value(expected),
         "a spliced request is the request and its callId");
}

void run(std::string_view input) {
  auto const whole = scan(input, Cut::whole);
  auto const boost = boost_opinion(input, proto::ObjectScanner::max_depth);
  check_scanner(input, whole, boost);
  check_answer(input, whole, boost);
  check_request(input, whole, boost);
}

Registration const registration("envelope", run);

}  // namespace
}  // namespace reachback::fuzz
