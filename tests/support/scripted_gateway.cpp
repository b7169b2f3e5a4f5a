#include "support/scripted_gateway.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "reachback/proto/base64.hpp"

namespace reachback::test {
namespace {

constexpr int give_up_after_seconds = 60;

void limit_waiting(int socket) {
  timeval const limit{.tv_sec = give_up_after_seconds, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string accept_key(std::string const& key) {
  auto const text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  return proto::to_base64({reinterpret_cast<char const*>(digest.data()), digest.size()});
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (char const byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

std::string SeenRequest::field(std::string_view name) const {
  auto const at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  auto const begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

ScriptedConnection::ScriptedConnection(ScriptedConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), in_(std::move(other.in_)) {}

ScriptedConnection::~ScriptedConnection() { drop(); }

void ScriptedConnection::drop() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

bool ScriptedConnection::fill(std::size_t count) {
  std::array<char, 65536> buffer;
  while (in_.size() < count) {
    auto const got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == ECONNRESET) return false;
    if (got < 0) throw std::runtime_error("scripted gateway: nothing came");
    if (got == 0) return false;
    in_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

std::string ScriptedConnection::take(std::size_t count) {
  if (!fill(count)) throw std::runtime_error("scripted gateway: the stream ended in the middle");
  auto bytes = in_.substr(0, count);
  in_.erase(0, count);
  return bytes;
}

SeenRequest ScriptedConnection::read_request() {
  while (in_.find("\r\n\r\n") == std::string::npos) {
    if (!fill(in_.size() + 1)) throw std::runtime_error("scripted gateway: no request came");
  }
  SeenRequest request;
  request.head = take(in_.find("\r\n\r\n") + 4);
  request.line = request.head.substr(0, request.head.find("\r\n"));
  auto const length = request.field("Content-Length");
  if (!length.empty()) request.body = take(std::stoul(length));
  return request;
}

void ScriptedConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("scripted gateway: nobody takes what is sent");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void ScriptedConnection::reply(std::string_view status, std::string_view fields) {
  std::string head = "HTTP/1.1 ";
  head.append(status).append("\r\n").append(fields).append("Content-Length: 0\r\n\r\n");
  write(head);
}

SeenRequest ScriptedConnection::upgrade(std::string_view behind, std::string_view fields) {
  auto request = read_request();
  if (request.field("Upgrade") != "websocket")
    throw std::runtime_error("scripted gateway: no upgrade: " + request.head);
  write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      accept_key(request.field("Sec-WebSocket-Key")) + "\r\n" + std::string(fields) + "\r\n" +
      std::string(behind));
  return request;
}

void ScriptedConnection::send_frame(std::uint8_t first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame += static_cast<char>(payload.size());
  } else {
    frame += static_cast<char>(127);
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift & 0xff);
  }
  write(frame.append(payload));
}

void ScriptedConnection::send_text(std::string_view text) { send_frame(0x81, text); }

void ScriptedConnection::send_close(std::uint16_t code) {
  send_frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)});
}

SeenMessage ScriptedConnection::read() {
  SeenMessage message;
  while (fill(2)) {
    auto const head = take(2);
    auto const first = static_cast<unsigned char>(head[0]);
    auto const second = static_cast<unsigned char>(head[1]);
    if ((second & 0x80) == 0) throw std::runtime_error("scripted gateway: a client must mask");
    std::uint64_t length = second & 0x7f;
    if (length == 126) length = big_endian(take(2));
    if (length == 127) length = big_endian(take(8));
    auto const mask = take(4);
    auto payload = take(length);
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    int const opcode = first & 0x0f;
    if (opcode == 8) {
      message.close_code =
          payload.size() < 2 ? 1005 : static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
      return message;
    }
    if (opcode == 9) send_frame(0x8a, payload);
    if (opcode >= 8) continue;
    message.text += payload;
    if ((first & 0x80) != 0) return message;
  }
  message.close_code = 1006;
  return message;
}

std::string ScriptedConnection::read_text() {
  auto message = read();
  if (message.close_code != 0) {
    throw std::runtime_error("scripted gateway: closed with " + std::to_string(message.close_code));
  }
  return std::move(message.text);
}

ScriptedGateway::ScriptedGateway() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  limit_waiting(listener_);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("scripted gateway: cannot listen");
  }
  port_ = ntohs(address.sin_port);
}

ScriptedGateway::~ScriptedGateway() { ::close(listener_); }

bool ScriptedGateway::has_visitor() const {
  pollfd listening{.fd = listener_, .events = POLLIN, .revents = 0};
  return ::poll(&listening, 1, 0) == 1;
}

ScriptedConnection ScriptedGateway::accept() {
  int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) throw std::runtime_error("scripted gateway: nobody came");
  limit_waiting(socket);
  return ScriptedConnection(socket);
}

}  // namespace reachback::test
