#include "bench/load/peer.hpp"

#include <stdexcept>
#include <utility>

#include "bench/io/sockets.hpp"

namespace reachback::bench {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

}  // namespace

Peer::Peer(Loop& loop, Options const& options, std::string_view endpoint, std::string_view subprotocol)
    : Stream(loop, connect_to(options.port)), subprotocol_(subprotocol) {
  std::string text = "GET /";
  text.append(endpoint).append(
      " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  text.append("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ").append(key);
  if (!subprotocol.empty()) text.append("\r\nSec-WebSocket-Protocol: ").append(subprotocol);
  text.append("\r\nAuthorization: Bearer ").append(options.token).append("\r\n\r\n");
  output().append(text);
}

std::size_t Peer::on_input(std::span<char> bytes) {
  std::string_view const text{bytes.data(), bytes.size()};
  std::size_t done = 0;
  if (!joined_) {
    done = take_upgrade(text);
    if (done == 0) return 0;
  }
  while (true) {
    auto const left = text.substr(done);
    auto const head = read_frame_head(left);
    if (!head || left.size() - head->size < head->payload) return done;
    take_frame(head->opcode, left.substr(head->size, head->payload));
    done += head->size + head->payload;
  }
}

void Peer::on_closed() { throw std::runtime_error("the server has closed a WebSocket"); }

void Peer::send(Opcode opcode, std::string_view payload) {
  auto& text = output().text();
  append_frame_head(text, opcode, payload.size(), mask_key);
  auto const begin = text.size();
  text.append(payload);
  apply_mask({text.data() + begin, payload.size()}, mask_key);
}

void Peer::send(std::string head, BlockPtr masked_tail) {
  // What was masked fits behind a multiple of the key's length only.
  auto const missing = (sizeof(MaskKey) - head.size() % sizeof(MaskKey)) % sizeof(MaskKey);
  head.insert(1, missing, ' ');
  auto& text = output().text();
  append_frame_head(text, Opcode::text, head.size() + masked_tail->view().size(), mask_key);
  apply_mask(head, mask_key);
  text.append(head);
  output().append(std::move(masked_tail));
}

std::size_t Peer::take_upgrade(std::string_view bytes) {
  auto const end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  auto const head = bytes.substr(0, end);
  if (!head.starts_with("HTTP/1.1 101 ") || head.find(accept_key(key)) == std::string_view::npos) {
    throw std::runtime_error("upgrade answered: " + std::string(head));
  }
  if (!subprotocol_.empty() &&
      head.find("\r\nSec-WebSocket-Protocol: " + subprotocol_) == std::string_view::npos) {
    throw std::runtime_error("the server does not speak " + subprotocol_ +
                             ": its answer to the upgrade does not name it");
  }
  joined_ = true;
  return end + 4;
}

void Peer::take_frame(Opcode opcode, std::string_view payload) {
  switch (opcode) {
    case Opcode::text:
    case Opcode::binary:
      return on_message(payload);
    case Opcode::ping:
      return send(Opcode::pong, payload);
    case Opcode::pong:
      return on_pong(payload);
    case Opcode::close:
      return on_closed();
  }
}

}  // namespace reachback::bench
