#include "unit/wire/frames.hpp"

#include <doctest/doctest.h>

namespace reachback::wire_test {
namespace {

constexpr std::string_view mask = "\x11\xa2\x37\xf4";

std::string masked(std::string_view payload, std::string_view key) {
  std::string result(payload);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<char>(result[i] ^ key[i % 4]);
  return result;
}

std::string big_endian(std::uint64_t value, int bytes) {
  std::string result;
  for (int i = bytes - 1; i >= 0; --i) result += static_cast<char>(value >> (8 * i) & 0xff);
  return result;
}

std::string header(unsigned first, std::uint64_t length, unsigned mask_bit) {
  std::string result(1, static_cast<char>(first));
  if (length < 126) return result + static_cast<char>(mask_bit | length);
  if (length < 65536) return result + static_cast<char>(mask_bit | 126) + big_endian(length, 2);
  return result + static_cast<char>(mask_bit | 127) + big_endian(length, 8);
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char const c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string_view take(std::string_view& bytes, std::uint64_t count) {
  REQUIRE(bytes.size() >= count);
  auto const piece = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return piece;
}

RawFrame take_frame(std::string_view& bytes) {
  auto const start = take(bytes, 2);
  auto const first = static_cast<unsigned char>(start[0]);
  auto const second = static_cast<unsigned char>(start[1]);
  RawFrame frame{.opcode = Opcode(first & 0x0f),
                 .fin = (first & 0x80) != 0,
                 .masked = (second & 0x80) != 0,
                 .reserved_bits = first & 0x70u};
  std::uint64_t length = second & 0x7f;
  if (length == 126) {
    length = number_in(take(bytes, 2));
  } else if (length == 127) {
    length = number_in(take(bytes, 8));
  }
  std::string const key(frame.masked ? take(bytes, 4) : std::string_view("\0\0\0\0", 4));
  frame.payload = masked(take(bytes, length), key);
  return frame;
}

std::string take_all(core::Buffer& out) {
  std::string bytes(out.view());
  out.clear();
  return bytes;
}

}  // namespace

std::string bytes_of(RawFrame const& frame) {
  unsigned const first = (frame.fin ? 0x80 : 0) | frame.reserved_bits | static_cast<unsigned>(frame.opcode);
  auto const start = header(first, frame.payload.size(), frame.masked ? 0x80 : 0);
  if (!frame.masked) return start + frame.payload;
  return start + std::string(mask) + masked(frame.payload, mask);
}

std::string header_of(Opcode opcode, std::uint64_t length) {
  return header(0x80 | static_cast<unsigned>(opcode), length, 0x80) + std::string(mask);
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
  return bytes_of({.opcode = Opcode::close, .payload = big_endian(code, 2).append(reason)});
}

std::vector<RawFrame> frames_in(std::string_view bytes) {
  std::vector<RawFrame> frames;
  while (!bytes.empty()) frames.push_back(take_frame(bytes));
  return frames;
}

wire::HttpRequestHead upgrade_request() {
  wire::HttpRequestHead head;
  head.method = "GET";
  head.target = "/wsData";
  head.fields.add("Host", "localhost:8888");
  head.fields.add("Upgrade", "websocket");
  head.fields.add("Connection", "keep-alive, Upgrade");
  head.fields.add("Sec-WebSocket-Version", "13");
  head.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  return head;
}

Server::Server(std::size_t message_limit) {
  std::string fault;
  codec = wire::WebSocketCodec::accept(upgrade_request(), message_limit, heard, out, fault);
  REQUIRE_MESSAGE(codec != nullptr, fault);
  out.clear();
}
std::string Server::take_out() { return take_all(out); }

Client::Client(std::size_t message_limit) : codec(wire::WebSocketCodec::client(message_limit, heard, out)) {}
std::string Client::take_out() { return take_all(out); }

wire::WebSocketState feed_in_pieces(wire::WebSocketCodec& codec, std::string_view bytes, std::size_t size) {
  while (!bytes.empty() && codec.state() == wire::WebSocketState::open) {
    (void)codec.feed(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return codec.state();
}

}  // namespace reachback::wire_test
