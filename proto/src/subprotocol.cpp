#include "reachback/proto/subprotocol.hpp"

#include <fmt/format.h>

#include <limits>

#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/json_text.hpp"

namespace reachback::proto {

namespace {

constexpr std::size_t longest_control_message = 512;

struct Members {
  JsonValue cmd, call_id, parts;
  bool has_timeout = false;
};

std::optional<Members> read_members(std::string_view message) {
  Members members;
  ObjectScanner scanner(message);
  while (auto const member = scanner.next()) {
    if (key_equals(member->key, "cmd")) members.cmd = member->value;
    if (key_equals(member->key, "callId")) members.call_id = member->value;
    if (key_equals(member->key, "parts")) members.parts = member->value;
    members.has_timeout = members.has_timeout || key_equals(member->key, "timeoutMs");
  }
  if (scanner.error() != JsonError::none) return std::nullopt;
  return members;
}

std::optional<std::uint64_t> number_in(JsonValue const& value, std::uint64_t least, std::uint64_t most) {
  auto const number = value.integer();
  if (!number || *number < 0) return std::nullopt;
  auto const positive = static_cast<std::uint64_t>(*number);
  if (positive < least || positive > most) return std::nullopt;
  return positive;
}

}  // namespace

std::string to_json(ControlMessage const& message) {
  switch (message.kind) {
    case ControlMessage::Kind::credit:
      return fmt::format(R"({{"cmd":"credit","callId":{},"parts":{}}})", to_number(message.call_id),
                         message.parts);
    case ControlMessage::Kind::cancel:
      return fmt::format(R"({{"cmd":"cancel","callId":{}}})", to_number(message.call_id));
    case ControlMessage::Kind::goaway:
      break;
  }
  return R"({"cmd":"goaway"})";
}

std::optional<ControlMessage> read_control_message(std::string_view message) {
  if (message.size() > longest_control_message) return std::nullopt;
  auto const members = read_members(message);
  if (!members || members->has_timeout) return std::nullopt;
  // Also in disguise: other readers than ours understand it.
  std::string const cmd = unescape(members->cmd.string_body());
  ControlMessage control;
  if (cmd == "goaway" && !members->call_id.present()) {
    control.kind = ControlMessage::Kind::goaway;
    return control;
  }
  auto const id = number_in(members->call_id, 0, max_call_id);
  if (!id) return std::nullopt;
  control.call_id = CallId(*id);
  if (cmd == "cancel") {
    control.kind = ControlMessage::Kind::cancel;
    return control;
  }
  auto const parts = number_in(members->parts, 1, std::numeric_limits<std::uint32_t>::max());
  if (cmd != "credit" || !parts) return std::nullopt;
  control.kind = ControlMessage::Kind::credit;
  control.parts = static_cast<std::uint32_t>(*parts);
  return control;
}

}  // namespace reachback::proto
