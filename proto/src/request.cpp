#include "reachback/proto/request.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::proto {

namespace {

constexpr std::size_t longest_description = 500;
constexpr std::size_t longest_described_value = 100;

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

bool carries_payload(std::string_view key) {
  return key_equals(key, "data") || key_equals(key, "args") || key_equals(key, "kwargs") ||
         key.starts_with("encoded");
}

// Half a character at the cut would make the whole description invalid.
void cut_at_character(std::string& text, std::size_t size) {
  if (text.size() > size) text.resize(valid_utf8_prefix(std::string_view(text).substr(0, size)));
}

}  // namespace

boost::system::result<CheckedRequest, RequestFault> check_request(std::string_view body) {
  if (!is_valid_utf8(body)) return RequestFault{"The message is not valid UTF-8."};
  ObjectScanner scanner(body);
  CheckedRequest checked;
  checked.empty = true;
  bool has_call_id = false;
  while (auto const member = scanner.next()) {
    checked.empty = false;
    has_call_id = has_call_id || key_equals(member->key, "callId");
  }
  if (scanner.error() != JsonError::none) return fault_of(scanner);
  if (has_call_id) return RequestFault{"The message carries a callId of its own; the gateway gives one."};
  checked.members_at = body.find('{') + 1;
  return checked;
}

std::string splice_head(CheckedRequest const& checked, CallId id) {
  return fmt::format("{{\"callId\":{}{}", to_number(id), checked.empty ? "" : ",");
}

std::string describe_request(std::string_view body) {
  std::string text = "{";
  ObjectScanner scanner(body);
  while (auto const member = scanner.next()) {
    if (carries_payload(member->key) || member->value.raw.size() > longest_described_value) continue;
    if (text.size() > longest_description) break;
    if (text.size() > 1) text += ',';
    fmt::format_to(std::back_inserter(text), "\"{}\":{}", member->key, member->value.raw);
  }
  text += '}';
  cut_at_character(text, longest_description);
  return text;
}

}  // namespace reachback::proto
