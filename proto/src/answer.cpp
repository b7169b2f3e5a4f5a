#include "reachback/proto/answer.hpp"

namespace reachback::proto {

namespace {

struct Head {
  Answer& answer;
  JsonValue cmd, status, call_id, num_parts, part_id;

  /// Where the value of `key`, which is unescaped, belongs; null for a key that the protocol does not know.
  [[nodiscard]] JsonValue* place_of(std::string_view key);
};

// By length first: most keys are told apart by it, and every message from a service comes through here.
JsonValue* Head::place_of(std::string_view key) {
  switch (key.size()) {
    case 3:
      return key == "cmd" ? &cmd : nullptr;
    case 4:
      return key == "data" ? &answer.data : key == "hash" ? &answer.hash : nullptr;
    case 5:
      return key == "error" ? &answer.error : nullptr;
    case 6:
      return key == "callId" ? &call_id : key == "status" ? &status : key == "partId" ? &part_id : nullptr;
    case 8:
      if (key == "numParts") return &num_parts;
      if (key == "dataSize") return &answer.data_size;
      if (key == "fileHash") return &answer.file_hash;
      return key == "fileSize" ? &answer.file_size : nullptr;
    case 10:
      return key == "compressed" ? &answer.compressed : nullptr;
    default:
      return nullptr;
  }
}

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

JsonError read_members(std::string_view text, Head& head) {
  ObjectScanner scanner(text);
  while (auto const member = scanner.next()) {
    JsonValue* place = head.place_of(member->key);
    // No name of ours has a backslash in it, so only keys that matched nothing can be ours in disguise.
    if (place == nullptr && member->key.find('\\') != std::string_view::npos) {
      place = head.place_of(key_identity(member->key));
    }
    if (place != nullptr) *place = member->value;
  }
  return scanner.error();
}

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

std::optional<AnswerFault> fill(Answer& answer, std::string_view text) {
  Head head{answer, {}, {}, {}, {}, {}};
  if (JsonError const error = read_members(text, head); error != JsonError::none) return fault_of(error);
  if (head.cmd.kind != JsonKind::string) return AnswerFault::bad_cmd;
  auto const status = head.status.integer();
  if (!status) return AnswerFault::bad_status;
  auto const call_id = head.call_id.integer();
  if (!call_id || *call_id < 0 || *call_id > static_cast<std::int64_t>(max_call_id)) {
    return AnswerFault::bad_call_id;
  }
  answer.status = *status;
  answer.call_id = CallId(static_cast<std::uint64_t>(*call_id));
  answer.has_data = answer.data.present();
  answer.position = read_position(head.part_id, head.num_parts);
  return std::nullopt;
}

}  // namespace

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

// One variable, returned at one place: so it is built where the caller wants it. Copying all the views would
// cost a tenth of the time for a short message.
boost::system::result<Answer, AnswerFault> read_answer(std::string_view text) {
  boost::system::result<Answer, AnswerFault> result;
  if (auto const fault = fill(*result, text)) result = *fault;
  return result;
}

}  // namespace reachback::proto
