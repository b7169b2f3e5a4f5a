#include "client/gateway_error.hpp"

#include "reachback/proto/json_scanner.hpp"

namespace reachback::client {
namespace {

/// Longer ones are requests, whose reading is the workers' job.
constexpr std::size_t longest_error = 4096;

}  // namespace

std::optional<GatewayError> read_gateway_error(std::string_view message) {
  if (message.size() > longest_error) return std::nullopt;
  proto::JsonValue cmd, status, error, call_id;
  proto::ObjectScanner scanner(message);
  while (auto const member = scanner.next()) {
    if (proto::key_equals(member->key, "cmd")) cmd = member->value;
    if (proto::key_equals(member->key, "status")) status = member->value;
    if (proto::key_equals(member->key, "error")) error = member->value;
    if (proto::key_equals(member->key, "callId")) call_id = member->value;
  }
  bool const is_error =
      scanner.error() == proto::JsonError::none && cmd.string_body() == "error" && !call_id.present();
  if (!is_error) return std::nullopt;
  auto const number = status.integer();
  return GatewayError{number && *number > 0 && *number < 1000 ? static_cast<int>(*number) : 0,
                      proto::unescape(error.string_body())};
}

}  // namespace reachback::client
