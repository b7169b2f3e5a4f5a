#include <doctest/doctest.h>

#include "unit/wire/frames.hpp"
#include "wire/websocket_codec.hpp"

using namespace reachback;
using wire::WebSocketState;
using wire_test::bytes_of;
using wire_test::Client;
using wire_test::close_frame;
using wire_test::feed_in_pieces;
using wire_test::frames_in;
using wire_test::Opcode;
using wire_test::RawFrame;
using wire_test::Server;

namespace {

struct Violation {
  std::string name;
  std::string bytes;
  std::uint16_t code;
};

std::string text(std::string_view payload) { return bytes_of({.payload = std::string(payload)}); }
std::string opening(std::string_view payload) {
  return bytes_of({.payload = std::string(payload), .fin = false});
}
std::string continuation(std::string_view payload) {
  return bytes_of({.opcode = Opcode::continuation, .payload = std::string(payload)});
}

/// A length in more bytes than it needs.
std::string non_minimal(int bytes, std::size_t length) {
  std::string frame = "\x81";
  frame += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
  for (int i = bytes - 1; i >= 0; --i)
    frame += static_cast<char>(static_cast<std::uint64_t>(length) >> (8 * i));
  return frame + std::string("\0\0\0\0", 4) + std::string(length, 'x');
}

std::vector<Violation> frame_violations() {
  std::vector<Violation> list{
      {"unmasked text", bytes_of({.payload = "hi", .masked = false}), 1002},
      {"unmasked ping", bytes_of({.opcode = Opcode::ping, .masked = false}), 1002},
      {"continuation of nothing", continuation("x"), 1002},
      {"empty continuation of nothing", continuation(""), 1002},
      {"a second message inside the first", opening("a") + text("b"), 1002},
      {"a binary message inside a text", opening("a") + bytes_of({.opcode = Opcode::binary, .payload = "b"}),
       1002},
      {"ping of 126 bytes", bytes_of({.opcode = Opcode::ping, .payload = std::string(126, 'x')}), 1002},
      {"close of 126 bytes", close_frame(1000, std::string(124, 'x')), 1002},
      {"pong of 70000 bytes", bytes_of({.opcode = Opcode::pong, .payload = std::string(70000, 'x')}), 1002},
      {"fragmented ping", bytes_of({.opcode = Opcode::ping, .fin = false}), 1002},
      {"fragmented close", bytes_of({.opcode = Opcode::close, .fin = false}), 1002},
      {"length 5 in two bytes", non_minimal(2, 5), 1002},
      {"length 125 in two bytes", non_minimal(2, 125), 1002},
      {"length 5 in eight bytes", non_minimal(8, 5), 1002},
      {"length 65535 in eight bytes", non_minimal(8, 65535), 1002},
      {"length 2^40", wire_test::header_of(Opcode::text, std::uint64_t{1} << 40), 1009},
      {"length 2^63", wire_test::header_of(Opcode::text, std::uint64_t{1} << 63), 1002},
      {"lengths that are too big together",
       opening("a") + wire_test::header_of(Opcode::continuation, ~std::uint64_t{0} >> 1), 1009},
  };
  for (unsigned const opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    list.push_back({"opcode " + std::to_string(opcode), bytes_of({.opcode = Opcode(opcode)}), 1002});
  }
  for (unsigned const bit : {0x40u, 0x20u, 0x10u}) {
    auto const name = "reserved bit " + std::to_string(bit);
    list.push_back({name + " in text", bytes_of({.payload = "x", .reserved_bits = bit}), 1002});
    list.push_back({name + " in ping", bytes_of({.opcode = Opcode::ping, .reserved_bits = bit}), 1002});
    list.push_back({name + " in continuation",
                    opening("a") + bytes_of({.opcode = Opcode::continuation, .reserved_bits = bit}), 1002});
  }
  return list;
}

std::vector<Violation> text_violations() {
  return {
      {"a lone lead byte", text("\xc3\x28"), 1007},
      {"overlong", text("\xc0\xaf"), 1007},
      {"surrogate", text("\xed\xa0\x80"), 1007},
      {"above U+10FFFF", text("\xf4\x90\x80\x80"), 1007},
      {"cut at the end", text("caf\xc3"), 1007},
      {"split and then wrong", opening("\xe2\x82") + continuation("x"), 1007},
      {"split and never continued", opening("\xe2\x82") + continuation(""), 1007},
      {"four bytes, split and never continued", opening("x\xf0\x9f\x98") + continuation(""), 1007},
      {"wrong late in a long text", text(std::string(100'000, 'x') + "\xff"), 1007},
  };
}

std::vector<Violation> close_violations() {
  std::vector<Violation> list{
      {"close of one byte", bytes_of({.opcode = Opcode::close, .payload = "\x03"}), 1002},
      // The RFC has no word on this one; 1002 is Beast's.
      {"invalid UTF-8 in the reason", close_frame(1000, "\xff"), 1002},
      {"half a character in the reason", close_frame(1000, "\xc3"), 1002},
  };
  for (int const code : {0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    list.push_back(
        {"close code " + std::to_string(code), close_frame(static_cast<std::uint16_t>(code)), 1002});
  }
  return list;
}

void check_fails(Violation const& violation, std::size_t piece) {
  CAPTURE(violation.name);
  CAPTURE(piece);
  Server server;
  CHECK(feed_in_pieces(*server.codec, violation.bytes, piece) == WebSocketState::failed);
  CHECK(server.codec->close_code() == violation.code);
  CHECK(server.heard.messages.empty());
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].opcode == Opcode::close);
  REQUIRE(frames[0].payload.size() == 2);
  auto const high = static_cast<unsigned char>(frames[0].payload[0]);
  auto const low = static_cast<unsigned char>(frames[0].payload[1]);
  CHECK(high * 256 + low == violation.code);
  (void)server.codec->feed(text("afterwards"));
  CHECK(server.heard.messages.empty());
}

void check_all(std::vector<Violation> const& violations) {
  for (auto const& violation : violations) {
    check_fails(violation, violation.bytes.size());
    check_fails(violation, 1);
    check_fails(violation, 1000);
  }
}

}  // namespace

TEST_CASE("each wrong frame ends the connection with its code") { check_all(frame_violations()); }

TEST_CASE("each text that is not UTF-8 ends the connection with 1007") { check_all(text_violations()); }

TEST_CASE("each wrong close ends the connection with 1002") { check_all(close_violations()); }

TEST_CASE("each close code that applications may use is taken") {
  for (int const code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4408, 4999}) {
    Server server;
    CHECK(server.codec->feed(close_frame(static_cast<std::uint16_t>(code), "reason")) ==
          WebSocketState::closed_by_peer);
    CHECK(server.codec->close_code() == code);
  }
}

TEST_CASE("a text that is not UTF-8 fails as soon as the wrong byte is there") {
  Server server;
  auto const bytes = opening(std::string(100, 'x') + "\xff" + std::string(100, 'x'));
  auto const wrong_at = bytes.size() - 101;
  CHECK(server.codec->feed(std::string_view(bytes).substr(0, wrong_at)) == WebSocketState::open);
  CHECK(server.codec->feed(std::string_view(bytes).substr(wrong_at, 1)) == WebSocketState::failed);
  CHECK(server.codec->close_code() == 1007);
}

TEST_CASE("what no character begins with fails before its frame ends") {
  for (std::string const wrong :
       {"\xc0", "\xe0\x80", "\xed\xa0", "\xf0\x80", "\xf4\x90", "\xe2\x28", "\xf0\x9f\x28"}) {
    Server server;
    auto const bytes = opening("caf\xc3\xa9" + wrong + "rest");
    auto const whole = std::string_view(bytes).substr(0, bytes.size() - 4);
    CHECK(server.codec->feed(whole.substr(0, whole.size() - 1)) == WebSocketState::open);
    CHECK(server.codec->feed(whole.substr(whole.size() - 1)) == WebSocketState::failed);
    CHECK(server.codec->close_code() == 1007);
  }
}

TEST_CASE("binary messages need not be UTF-8") {
  Server server;
  CHECK(server.codec->feed(bytes_of({.opcode = Opcode::binary, .payload = "\xff\xc3"})) ==
        WebSocketState::open);
  CHECK(server.heard.messages.size() == 1);
}

TEST_CASE("characters split over fragments at every byte are whole again") {
  std::string const characters = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (std::size_t cut = 0; cut <= characters.size(); ++cut) {
    Server server;
    CHECK(server.codec->feed(opening(characters.substr(0, cut)) + continuation(characters.substr(cut))) ==
          WebSocketState::open);
    REQUIRE(server.heard.messages.size() == 1);
    CHECK(server.heard.messages[0].text == characters);
  }
}

TEST_CASE("messages before a violation are delivered, those behind it are not") {
  Server server;
  CHECK(server.codec->feed(text("before") + bytes_of({.payload = "bad", .masked = false}) + text("behind")) ==
        WebSocketState::failed);
  REQUIRE(server.heard.messages.size() == 1);
  CHECK(server.heard.messages[0].text == "before");
}

TEST_CASE("a masked frame from a server is an error to a client, whose close frame is masked") {
  Client client;
  CHECK(client.codec->feed(bytes_of({.payload = "x", .masked = true})) == WebSocketState::failed);
  CHECK(client.codec->close_code() == 1002);
  auto const frames = frames_in(client.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].masked);
  CHECK(frames[0].payload == "\x03\xea");
}
