#include "wire/data_frame.hpp"

#include <doctest/doctest.h>

#include "unit/wire/frames.hpp"

using namespace reachback;
using core::FramePosition;
using core::MessageKind;
using wire::WebSocketState;
using wire_test::Client;
using wire_test::frames_in;
using wire_test::Heard;
using wire_test::Opcode;
using wire_test::Server;

namespace {

// Where the length field's form changes, and one behind each.
constexpr std::size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 65537};

/// Without a byte that repeats at the same place of its neighbours, so that nothing can stand in for another.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(' ' + (i * 7 + i / 251) % 90);
  return text;
}

}  // namespace

TEST_CASE("Beast's client takes a frame of each form of length, wherever head and body meet") {
  for (auto const length : lengths) {
    auto const text = pattern(length);
    for (std::size_t const cut : {std::size_t{0}, length / 2, length}) {
      CAPTURE(length);
      CAPTURE(cut);
      Client client;
      core::Buffer out;
      auto const all = std::string_view(text);
      wire::append_frame(out,
                         {.kind = MessageKind::binary, .head = all.substr(0, cut), .body = all.substr(cut)});
      CHECK(client.codec->feed(out.view()) == WebSocketState::open);
      CHECK((client.heard.messages == std::vector<Heard>{{MessageKind::binary, text}}));
    }
  }
}

TEST_CASE("a frame's header takes no byte more than its length asks for") {
  for (auto const length : lengths) {
    CAPTURE(length);
    core::Buffer out;
    auto const body = pattern(length);
    wire::append_frame(out, {.body = body});
    CHECK(out.size() - length == (length < 126 ? 2 : length < 65536 ? 4 : 10));
    auto const frames = frames_in(out.view());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == Opcode::text);
    CHECK(frames[0].fin);
    CHECK(!frames[0].masked);
    CHECK(frames[0].reserved_bits == 0);
    CHECK((frames[0].payload == body));
  }
}

TEST_CASE("a frame stands behind what was there") {
  core::Buffer out(std::string_view("before"));
  wire::append_frame(out, {.head = "he", .body = "llo"});
  CHECK(out.view() == "before\x81\x05hello");
}

TEST_CASE("Beast's client puts fragments of each form together, with control frames between them") {
  Server server;
  Client client;
  std::string whole;
  for (auto const kind : {MessageKind::text, MessageKind::binary}) {
    whole.clear();
    for (auto const length : lengths) {
      auto const piece = pattern(length);
      server.codec->write({.kind = kind,
                           .body = piece,
                           .position = FramePosition::more_follow,
                           .first = whole.empty() && length == 0});
      server.codec->ping("between");
      whole += piece;
    }
    server.codec->write({.kind = kind, .body = "the end", .first = false});
    whole += "the end";
    CHECK(client.codec->feed(server.take_out()) == WebSocketState::open);
    REQUIRE(client.heard.messages.size() == 1);
    CHECK((client.heard.messages[0] == Heard{kind, whole}));
    client.heard.messages.clear();
    CHECK(server.codec->feed(client.take_out()) == WebSocketState::open);
  }
  CHECK(server.heard.pongs == std::vector<std::string>(2 * std::size(lengths), "between"));
}

TEST_CASE("nothing follows a server's close, in the middle of a message neither") {
  Server server;
  server.codec->write({.body = "begun", .position = FramePosition::more_follow});
  server.codec->close(1001, "");
  server.codec->write({.body = "ended", .first = false});
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 2);
  CHECK(!frames[0].fin);
  CHECK(frames[1].opcode == Opcode::close);
}
