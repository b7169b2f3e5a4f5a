#include "reachback/proto/request.hpp"

#include <array>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace reachback::proto {

namespace {

constexpr std::size_t longest_description = 500;
constexpr std::size_t longest_described_value = 100;
/// Of a message.
constexpr std::size_t usual_members = 8;

RequestFault fault_of(ObjectScanner const& scanner) {
  switch (scanner.error()) {
    case JsonError::not_an_object:
      return {"The message is not a JSON object."};
    case JsonError::too_deep:
      return {fmt::format("The message is nested deeper than {} levels.", ObjectScanner::max_depth)};
    default:
      return {fmt::format("The message is not valid JSON (near byte {}).", scanner.position())};
  }
}

bool is_call_id(JsonMember const& member) {
  constexpr std::string_view name = "callId";
  return member.key_has_escape ? key_equals(member.key, name) : member.key == name;
}

bool carries_payload(std::string_view key) {
  return key_equals(key, "data") || key_equals(key, "args") || key_equals(key, "kwargs") ||
         key.starts_with("encoded");
}

void describe_member(JsonMember const& member, std::string& text) {
  if (text.size() > longest_description || member.value.raw.size() > longest_described_value) return;
  if (member.key.size() > longest_described_value || carries_payload(member.key)) return;
  fmt::format_to(std::back_inserter(text), "{}\"{}\":{}", text.empty() ? "{" : ",", member.key,
                 member.value.raw);
}

std::string finished(std::string description) {
  description += description.empty() ? "{}" : "}";
  description.resize(cut_between_characters(description, longest_description).size());
  return description;
}

}  // namespace

void RequestChecker::grow(std::string_view body) {
  utf8_.grow(body);
  find_brace(body);
  scanner_.grow(body);
  read_members(Describe::yes);
}

boost::system::result<CheckedRequest, RequestFault> RequestChecker::complete(std::string_view body) {
  find_brace(body);
  if (!utf8_.complete(body)) return RequestFault{"The message is not valid UTF-8."};
  scanner_.complete(body);
  read_members(body.size() > longest_undescribed ? Describe::yes : Describe::no);
  if (scanner_.error() != JsonError::none) return fault_of(scanner_);
  if (has_call_id_) {
    return RequestFault{"The message carries a callId of its own; the gateway gives one."};
  }
  CheckedRequest checked;
  checked.members_at = members_at_;
  checked.empty = empty_;
  if (body.size() > longest_undescribed) checked.description = finished(std::move(description_));
  return checked;
}

void RequestChecker::find_brace(std::string_view body) {
  if (members_at_ != 0) return;
  auto const brace = body.find('{', searched_);
  searched_ = body.size();
  if (brace != std::string_view::npos) members_at_ = brace + 1;
}

void RequestChecker::read_members(Describe describe) {
  std::array<JsonMember, usual_members> members;
  std::size_t count = 0;
  do {
    count = scanner_.next(members);
    empty_ = empty_ && count == 0;
    for (JsonMember const& member : std::span(members).first(count)) {
      has_call_id_ = has_call_id_ || is_call_id(member);
      if (describe == Describe::yes) describe_member(member, description_);
    }
  } while (count == members.size());
}

boost::system::result<CheckedRequest, RequestFault> check_request(std::string_view body) {
  return RequestChecker().complete(body);
}

std::string splice_head(CheckedRequest const& checked, CallId id) {
  constexpr std::string_view key = "{\"callId\":";
  fmt::format_int const digits(to_number(id));
  std::string head;
  head.reserve(key.size() + digits.size() + 1);
  head.append(key).append(digits.data(), digits.size());
  if (!checked.empty) head += ',';
  return head;
}

std::string splice_head(CheckedRequest const& checked, CallId id, std::chrono::milliseconds timeout) {
  return fmt::format("{{\"callId\":{},\"timeoutMs\":{}{}", to_number(id), timeout.count(),
                     checked.empty ? "" : ",");
}

std::string describe_request(std::string_view body) {
  std::string description;
  ObjectScanner scanner(body);
  while (auto const member = scanner.next()) describe_member(*member, description);
  return finished(std::move(description));
}

}  // namespace reachback::proto
