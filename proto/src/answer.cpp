#include "reachback/proto/answer.hpp"

#include <array>
#include <span>

namespace reachback::proto {

namespace {

AnswerFault fault_of(JsonError error) {
  switch (error) {
    case JsonError::not_an_object:
      return AnswerFault::not_an_object;
    case JsonError::too_deep:
      return AnswerFault::too_deep;
    default:
      return AnswerFault::bad_json;
  }
}

/// The longest of our names with every letter escaped: no longer key can be ours.
constexpr std::size_t longest_escaped_name = 10 * 6;

/// Of a message.
constexpr std::size_t usual_members = 16;

std::optional<PartPosition> read_position(JsonValue const& part_id, JsonValue const& num_parts) {
  auto const number = [](JsonValue const& value) {
    return value.kind == JsonKind::absent ? std::optional<std::int64_t>(1) : value.integer();
  };
  auto const id = number(part_id);
  auto count = number(num_parts);
  if (count == 0) count = 1;
  if (!id || !count || *id < 1 || *id > *count || *count > max_parts) return std::nullopt;
  return PartPosition{static_cast<std::uint32_t>(*id), static_cast<std::uint32_t>(*count)};
}

}  // namespace

void AnswerReader::grow(std::string_view text) {
  scanner_.grow(text);
  read_members(text);
}

// One variable, returned at one place: so it is built where the caller wants it. Copying all the views would
// cost a tenth of the time for a short message.
boost::system::result<Answer, AnswerFault> AnswerReader::complete(std::string_view text) {
  boost::system::result<Answer, AnswerFault> result;
  scanner_.complete(text);
  read_members(text);
  if (auto const fault = fill(*result, text)) result = *fault;
  return result;
}

// By length first: most keys are told apart by it, and every message from a service comes through here.
AnswerReader::Place* AnswerReader::place_of(std::string_view key) {
  switch (key.size()) {
    case 3:
      return key == "cmd" ? &cmd_ : nullptr;
    case 4:
      return key == "data" ? &data_ : key == "hash" ? &hash_ : nullptr;
    case 5:
      return key == "error" ? &error_ : nullptr;
    case 6:
      return key == "callId" ? &call_id_ : key == "status" ? &status_ : key == "partId" ? &part_id_ : nullptr;
    case 8:
      if (key == "numParts") return &num_parts_;
      if (key == "dataSize") return &data_size_;
      if (key == "fileHash") return &file_hash_;
      return key == "fileSize" ? &file_size_ : nullptr;
    case 10:
      return key == "compressed" ? &compressed_ : nullptr;
    default:
      return nullptr;
  }
}

void AnswerReader::read_members(std::string_view text) {
  std::array<JsonMember, usual_members> members;
  std::size_t count = 0;
  do {
    count = scanner_.next(members);
    for (JsonMember const& member : std::span(members).first(count)) {
      Place* place = place_of(member.key);
      if (member.key_has_escape && member.key.size() <= longest_escaped_name) {
        place = place_of(key_identity(member.key));
      }
      if (place == nullptr) continue;
      auto const raw = member.value.raw;
      *place = {static_cast<std::size_t>(raw.data() - text.data()), raw.size(), member.value.kind};
    }
  } while (count == members.size());
}

std::optional<AnswerFault> AnswerReader::fill(Answer& answer, std::string_view text) const {
  if (scanner_.error() != JsonError::none) return fault_of(scanner_.error());
  if (cmd_.kind != JsonKind::string) return AnswerFault::bad_cmd;
  auto const status = status_.in(text).integer();
  if (!status) return AnswerFault::bad_status;
  auto const call_id = call_id_.in(text).integer();
  if (!call_id || *call_id < 0 || *call_id > static_cast<std::int64_t>(max_call_id)) {
    return AnswerFault::bad_call_id;
  }
  answer.has_line_break = scanner_.saw_line_break();
  answer.status = *status;
  answer.call_id = CallId(static_cast<std::uint64_t>(*call_id));
  answer.data = data_.in(text);
  answer.compressed = compressed_.in(text);
  answer.hash = hash_.in(text);
  answer.data_size = data_size_.in(text);
  answer.file_hash = file_hash_.in(text);
  answer.file_size = file_size_.in(text);
  answer.error = error_.in(text);
  answer.has_data = answer.data.present();
  answer.position = read_position(part_id_.in(text), num_parts_.in(text));
  return std::nullopt;
}

std::string_view to_string(AnswerFault fault) {
  switch (fault) {
    case AnswerFault::not_an_object:
      return "not_an_object";
    case AnswerFault::bad_json:
      return "bad_json";
    case AnswerFault::too_deep:
      return "too_deep";
    case AnswerFault::bad_cmd:
      return "bad_cmd";
    case AnswerFault::bad_status:
      return "bad_status";
    case AnswerFault::bad_call_id:
      return "bad_call_id";
  }
  return "unknown";
}

boost::system::result<Answer, AnswerFault> read_answer(std::string_view text) {
  return AnswerReader().complete(text);
}

}  // namespace reachback::proto
