#include "client/log_in.hpp"

#include <fmt/format.h>

#include "reachback/proto/subprotocol.hpp"

namespace reachback::client {
namespace {

constexpr std::string_view protocol_field = "Sec-WebSocket-Protocol";

bool stands_for_itself(char letter) {
  return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
         (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.' || letter == '~';
}

std::string_view unquoted(std::string_view value) {
  bool const quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::string cookie_of(wire::HttpFields const& fields, std::string_view name) {
  for (std::string_view const cookie : fields.all("Set-Cookie")) {
    auto const pair = cookie.substr(0, cookie.find(';'));
    auto const equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return std::string(pair.substr(equals + 1));
    }
  }
  return {};
}

std::string form_encode(std::string_view text) {
  std::string encoded;
  for (char const letter : text) {
    if (stands_for_itself(letter)) {
      encoded += letter;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return encoded;
}

std::string log_in_page_request(Address const& gateway) {
  return fmt::format("GET /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gateway.authority());
}

std::string log_in_request(Address const& gateway, std::string_view user, std::string_view password,
                           std::string_view xsrf) {
  auto const form = fmt::format("name={}&password={}&_xsrf={}", form_encode(user), form_encode(password),
                                form_encode(unquoted(xsrf)));
  return fmt::format(
      "POST /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: _xsrf={}\r\n"
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
      gateway.authority(), xsrf, form.size(), form);
}

std::string upgrade_request(Address const& gateway, std::string_view endpoint, std::string_view credential,
                            std::string_view key) {
  return fmt::format(
      "GET /{} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: {}\r\n{}{}"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
      endpoint, gateway.authority(), gateway.origin(), credential, credential.empty() ? "" : "\r\n", key,
      proto::subprotocol_v1);
}

bool accepts_upgrade(wire::HttpResponseHead const& head, std::string_view accept) {
  return head.status == 101 && head.fields.lists("Connection", "upgrade") &&
         wire::equal_ignoring_case(head.fields.get("Upgrade"), "websocket") &&
         head.fields.get("Sec-WebSocket-Accept") == accept && !head.fields.has("Sec-WebSocket-Extensions") &&
         (!head.fields.has(protocol_field) || head.fields.get(protocol_field) == proto::subprotocol_v1);
}

core::Pacing pacing_of(wire::HttpResponseHead const& head) {
  return head.fields.has(protocol_field) ? core::Pacing::credits : core::Pacing::none;
}

}  // namespace reachback::client
