#include "support/scripted_service.hpp"

#include <utility>

#include "support/messages.hpp"

namespace reachback::test {
namespace {

constexpr std::string_view mask = "\x37\xfa\x21\x3d";

std::string big_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xff);
  return text;
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  for (char const byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

std::string bytes_of(Frame const& frame) {
  std::size_t const size = frame.payload.size();
  std::string bytes(1,
                    static_cast<char>((frame.fin == Fin::last ? 0x80 : 0) | static_cast<int>(frame.opcode)));
  if (size < 126) {
    bytes += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    bytes += static_cast<char>(0x80 | 126);
    bytes += big_endian(size, 2);
  } else {
    bytes += static_cast<char>(0x80 | 127);
    bytes += big_endian(size, 8);
  }
  bytes += mask;
  auto const payload_at = bytes.size();
  bytes += frame.payload;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[payload_at + i] = static_cast<char>(bytes[payload_at + i] ^ mask[i % 4]);
  }
  return bytes;
}

ScriptedService::ScriptedService(std::uint16_t port, std::string_view endpoint, Window window,
                                 std::string_view token, std::string_view subprotocol)
    : stream_(port, window) {
  std::string request = "GET /";
  request.append(endpoint).append(
      " HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  request.append("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  if (!subprotocol.empty()) request.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  request.append("Authorization: Bearer ").append(token).append("\r\n\r\n");
  stream_.write(request);
  auto const head = stream_.read_until("\r\n\r\n");
  // The digest of RFC 6455's own example.
  bool const accepted =
      head.starts_with("HTTP/1.1 101 ") && head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;
  if (!accepted) throw std::runtime_error("the upgrade was refused: " + head);
  constexpr std::string_view field = "\r\nSec-WebSocket-Protocol: ";
  if (auto const at = head.find(field); at != std::string::npos) {
    auto const from = at + field.size();
    subprotocol_ = head.substr(from, head.find("\r\n", from) - from);
  }
}

void ScriptedService::send_text(std::string_view text) {
  send({.opcode = Opcode::text, .fin = Fin::last, .payload = std::string(text)});
}

Frame ScriptedService::receive_frame() {
  auto const head = stream_.read(2);
  auto const first = static_cast<unsigned char>(head[0]);
  auto const second = static_cast<unsigned char>(head[1]);
  if ((second & 0x80) != 0) throw std::runtime_error("a server must not mask");
  std::uint64_t length = second & 0x7f;
  if (length == 126) {
    length = number_in(stream_.read(2));
  } else if (length == 127) {
    length = number_in(stream_.read(8));
  }
  Frame frame;
  frame.opcode = Opcode(first & 0x0f);
  frame.fin = (first & 0x80) != 0 ? Fin::last : Fin::more_follow;
  frame.payload = stream_.read(length);
  return frame;
}

Frame ScriptedService::read_frame() {
  if (kept_.empty()) return receive_frame();
  Frame frame = std::move(kept_.front());
  kept_.pop_front();
  return frame;
}

std::string ScriptedService::read_text() {
  std::string text;
  while (true) {
    Frame const frame = read_frame();
    if (frame.opcode == Opcode::close) throw StreamEnded("the gateway closed the connection");
    if (frame.opcode == Opcode::ping)
      send({.opcode = Opcode::pong, .fin = Fin::last, .payload = frame.payload});
    if (frame.opcode >= Opcode::close) continue;
    text += frame.payload;
    if (frame.fin == Fin::last) return text;
  }
}

SeenCall ScriptedService::read_call() {
  auto text = read_text();
  return {call_id_in(text), std::move(text)};
}

std::uint16_t ScriptedService::read_close() { return read_close_with_reason().code; }

ScriptedService::Closed ScriptedService::read_close_with_reason() {
  try {
    while (true) {
      Frame const frame = read_frame();
      if (frame.opcode != Opcode::close) continue;
      Closed closed{1005, {}};
      if (frame.payload.size() >= 2) {
        closed.code = static_cast<std::uint16_t>(number_in(frame.payload.substr(0, 2)));
        closed.reason = frame.payload.substr(2);
      }
      send({.opcode = Opcode::close, .fin = Fin::last, .payload = frame.payload.substr(0, 2)});
      return closed;
    }
  } catch (StreamEnded const&) {
    return {};
  }
}

void ScriptedService::settle() {
  std::string const payload = "settle " + std::to_string(++pings_);
  send({.opcode = Opcode::ping, .fin = Fin::last, .payload = payload});
  while (true) {
    Frame frame = receive_frame();
    if (frame.opcode == Opcode::pong && frame.payload == payload) return;
    kept_.push_back(std::move(frame));
  }
}

}  // namespace reachback::test
