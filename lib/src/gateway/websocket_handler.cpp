#include "reachback/websocket_handler.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "reachback/proto/json_scanner.hpp"

namespace reachback {
namespace {

constexpr std::size_t longest_cmd = 100;

}  // namespace

void default_websocket_callback(WebSocketClient const& client, std::string_view message) {
  proto::ObjectScanner scanner(message);
  proto::JsonValue cmd;
  while (auto const member = scanner.next()) {
    if (proto::key_equals(member->key, "cmd")) cmd = member->value;
  }
  if (scanner.error() != proto::JsonError::none) throw std::invalid_argument("the message is no JSON object");
  if (cmd.kind != proto::JsonKind::string) throw std::invalid_argument("the message has no 'cmd'");
  if (client.log == nullptr || !*client.log) return;
  std::string const text =
      fmt::format("{}: cmd: {}", client.endpoint, cmd.string_body().substr(0, longest_cmd));
  (*client.log)(LogLevel::debug, text);
}

void BaseWebSocketHandler::initialize(std::string name, MessageCallback callback,
                                      ConnectionNotice connection_notice) {
  name_ = std::move(name);
  callback_ = std::move(callback);
  connection_notice_ = std::move(connection_notice);
}

void BaseWebSocketHandler::open(WebSocketClient const& client) {
  if (connection_notice_) connection_notice_(client.endpoint, "open");
}

void BaseWebSocketHandler::on_message(WebSocketClient const& client, std::string_view message) {
  callback_ ? callback_(client, message) : default_websocket_callback(client, message);
}

void BaseWebSocketHandler::on_close(WebSocketClient const& client) {
  if (connection_notice_) connection_notice_(client.endpoint, "close");
}

void DataWebSocketHandler::on_message(WebSocketClient const& client, std::string_view message) {
  if (callback_) callback_(client, message);
}

void RejectWebSocketHandler::initialize(std::string name, std::string reject_message) {
  BaseWebSocketHandler::initialize(std::move(name));
  reject_message_ = std::move(reject_message);
}

}  // namespace reachback
