#include "attach_request.hpp"

#include <fmt/format.h>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/json_scanner.hpp"

namespace reachback::service {
namespace {

using proto::JsonKind;
using proto::JsonValue;

/// What stands for bytes in `args`; the message has the bytes under a key of that name.
constexpr std::string_view bytes_tag = "encodedBytes_0";

struct Members {
  JsonValue cmd, class_name, attribute, args, bytes;
};

Members read_members(std::string_view request) {
  Members members;
  proto::ObjectScanner scanner(request);
  while (auto const member = scanner.next()) {
    if (proto::key_equals(member->key, "cmd")) members.cmd = member->value;
    if (proto::key_equals(member->key, "class")) members.class_name = member->value;
    if (proto::key_equals(member->key, "attribute")) members.attribute = member->value;
    if (proto::key_equals(member->key, "args")) members.args = member->value;
    if (proto::key_equals(member->key, bytes_tag)) members.bytes = member->value;
  }
  return members;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Of an array with one element, that element. `text` keeps what the result views.
std::optional<JsonValue> only_element(std::string_view inside, std::string& text) {
  // The scanner reads objects: the element becomes the one member of an object. A second one would be no
  // valid member.
  text = fmt::format("{{\"\":{}}}", inside);
  proto::ObjectScanner scanner(text);
  auto const member = scanner.next();
  if (!member || scanner.next() || scanner.error() != proto::JsonError::none) return std::nullopt;
  return member->value;
}

boost::system::result<Argument, CallFault> read_bytes(JsonValue const& value, Argument argument) {
  argument.kind = Argument::Kind::bytes;
  argument.value.clear();
  if (!proto::decode_base64(proto::unescape(value.string_body()), proto::Padding::allowed, argument.value)) {
    return CallFault{fmt::format("{} is no base64", bytes_tag)};
  }
  return argument;
}

boost::system::result<std::optional<Argument>, CallFault> read_argument(Members const& members) {
  if (!members.args.present()) return std::optional<Argument>();
  if (members.args.kind != JsonKind::array) return CallFault{"args is no list"};
  auto const inside = members.args.raw.substr(1, members.args.raw.size() - 2);
  if (is_blank(inside)) return std::optional<Argument>();
  std::string text;
  auto const element = only_element(inside, text);
  if (!element) return CallFault{"this service takes one argument at most"};
  Argument argument;
  argument.json = element->raw;
  argument.value = element->raw;
  if (element->kind != JsonKind::string) return std::optional(std::move(argument));
  argument.kind = Argument::Kind::text;
  argument.value = proto::unescape(element->string_body());
  if (argument.value != bytes_tag || members.bytes.kind != JsonKind::string)
    return std::optional(std::move(argument));
  auto bytes = read_bytes(members.bytes, std::move(argument));
  if (!bytes) return bytes.error();
  return std::optional(std::move(*bytes));
}

}  // namespace

boost::system::result<RemoteCall, CallFault> read_remote_call(std::string_view request) {
  auto const members = read_members(request);
  auto const cmd = proto::unescape(members.cmd.string_body());
  if (cmd != "rpc") return CallFault{fmt::format("this service does not know the command '{}'", cmd)};
  if (members.attribute.kind != JsonKind::string) return CallFault{"the request names no attribute"};
  auto argument = read_argument(members);
  if (!argument) return argument.error();
  RemoteCall call;
  call.class_name = proto::unescape(members.class_name.string_body());
  call.attribute = proto::unescape(members.attribute.string_body());
  call.argument = std::move(*argument);
  return call;
}

}  // namespace reachback::service
