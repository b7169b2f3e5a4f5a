#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "unit/wire/frames.hpp"
#include "wire/websocket_codec.hpp"

using namespace reachback;
using core::FramePosition;
using core::MessageKind;
using wire::WebSocketCodec;
using wire::WebSocketState;
using wire_test::bytes_of;
using wire_test::Client;
using wire_test::frames_in;
using wire_test::Heard;
using wire_test::Opcode;
using wire_test::Server;

namespace {

using Random = std::mt19937;

std::size_t number(Random& random, std::size_t low, std::size_t high) {
  return std::uniform_int_distribution<std::size_t>(low, high)(random);
}

Heard random_message(Random& random) {
  // Small ones mostly, but each kind of length field comes too.
  std::size_t const limits[] = {8, 130, 4000, 70000, 300000};
  bool const is_text = number(random, 0, 1) == 0;
  Heard message{is_text ? MessageKind::text : MessageKind::binary, {}};
  message.text.resize(number(random, 0, limits[number(random, 0, 4)]));
  for (char& c : message.text)
    c = static_cast<char>(is_text ? number(random, 32, 126) : number(random, 0, 255));
  return message;
}

/// In fragments of random sizes, with pings between.
void write_message(WebSocketCodec& codec, Heard const& message, Random& random) {
  std::string_view rest = message.text;
  bool first = true;
  do {
    std::size_t const count =
        number(random, 0, 1) == 0 ? rest.size() : std::min<std::size_t>(rest.size(), 65536);
    std::size_t const head = number(random, 0, std::min<std::size_t>(count, 20));
    codec.write({.kind = message.kind,
                 .head = rest.substr(0, head),
                 .body = rest.substr(head, count - head),
                 .position = count == rest.size() ? FramePosition::last : FramePosition::more_follow,
                 .first = first});
    rest.remove_prefix(count);
    first = false;
    if (number(random, 0, 5) == 0) codec.ping("between");
  } while (!rest.empty());
}

void deliver(std::string const& bytes, WebSocketCodec& to, Random& random) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    auto const count = std::min(rest.size(), number(random, 1, number(random, 0, 3) == 0 ? 3 : 100000));
    REQUIRE(to.feed(rest.substr(0, count)) == WebSocketState::open);
    rest.remove_prefix(count);
  }
}

template <class From, class To>
void exchange(From& from, To& to, Random& random) {
  std::vector<Heard> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(random_message(random));
    write_message(*from.codec, sent.back(), random);
  }
  deliver(from.take_out(), *to.codec, random);
  REQUIRE(to.heard.messages.size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) CHECK((to.heard.messages[i] == sent[i]));
  deliver(to.take_out(), *from.codec, random);  // the pongs
  for (auto const& pong : from.heard.pongs) CHECK(pong == "between");
  CHECK(!from.heard.pongs.empty());
}

}  // namespace

TEST_CASE("a server understands a client, however messages are cut") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Server server;
    Client client;
    exchange(client, server, random);
  }
}

TEST_CASE("a client understands a server, however messages are cut") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Server server;
    Client client;
    exchange(server, client, random);
  }
}

TEST_CASE("a client starts with nothing to send and masks each frame") {
  Client client;
  CHECK(client.take_out().empty());
  client.codec->write({.head = "a", .body = "b"});
  client.codec->ping("p");
  client.codec->close(1000, "bye");
  auto const frames = frames_in(client.take_out());
  REQUIRE(frames.size() == 3);
  for (auto const& frame : frames) CHECK(frame.masked);
  CHECK(frames[0].payload == "ab");
  CHECK(frames[1].payload == "p");
  CHECK(frames[2].payload ==
        "\x03\xe8"
        "bye");
}

TEST_CASE("a client's fragment of 64 KiB is one frame") {
  Client client;
  std::string const body(65536, 'x');
  client.codec->write({.body = body});
  auto const frames = frames_in(client.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].payload == body);
}

TEST_CASE("masks do not repeat") {
  // Beast's default generator gives 16 different ones in 256 frames.
  std::set<std::string> frames;
  for (int i = 0; i < 256; ++i) {
    Client client;
    client.codec->write({.body = "same"});
    client.codec->write({.body = "same"});
    auto const bytes = client.take_out();
    frames.insert(bytes.substr(0, bytes.size() / 2));
    frames.insert(bytes.substr(bytes.size() / 2));
  }
  CHECK(frames.size() > 500);
}

TEST_CASE("both sides learn that a client closed") {
  Server server;
  Client client;
  client.codec->close(1001, "leaving");
  CHECK(server.codec->feed(client.take_out()) == WebSocketState::closed_by_peer);
  CHECK(server.codec->close_code() == 1001);
  CHECK(client.codec->feed(server.take_out()) == WebSocketState::closed_by_peer);
  CHECK(client.codec->close_code() == 1001);
}

TEST_CASE("both sides learn that a server closed") {
  Server server;
  Client client;
  server.codec->close(1012, "restart");
  CHECK(client.codec->feed(server.take_out()) == WebSocketState::closed_by_peer);
  CHECK(client.codec->close_code() == 1012);
  CHECK(server.codec->feed(client.take_out()) == WebSocketState::closed_by_peer);
}

TEST_CASE("both sides close at the same moment") {
  Server server;
  Client client;
  server.codec->close(1000, "");
  client.codec->close(1000, "");
  CHECK(client.codec->feed(server.take_out()) == WebSocketState::closed_by_peer);
  CHECK(server.codec->feed(client.take_out()) == WebSocketState::closed_by_peer);
  CHECK(server.take_out().empty());
  CHECK(client.take_out().empty());
}

TEST_CASE("16 MiB from a client in frames of 64 KiB arrive, with the pong to a ping in their middle") {
  constexpr std::size_t size = 16 * 1024 * 1024;
  Server server(size);
  Client client;
  std::string const body(size, 'y');
  for (std::size_t at = 0; at < size; at += 65536) {
    bool const is_last = at + 65536 == size;
    if (at == size / 2) server.codec->ping("now");
    REQUIRE(client.codec->feed(server.take_out()) == WebSocketState::open);
    client.codec->write({.body = std::string_view(body).substr(at, 65536),
                         .position = is_last ? FramePosition::last : FramePosition::more_follow,
                         .first = at == 0});
    REQUIRE(server.codec->feed(client.take_out()) == WebSocketState::open);
    CHECK(server.heard.pongs.size() == (at >= size / 2 ? 1 : 0));
  }
  REQUIRE(server.heard.messages.size() == 1);
  CHECK((server.heard.messages[0].text == body));
}

TEST_CASE("a big message is received where it belongs, whatever its pieces are") {
  std::string text(300'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(' ' + i % 90);
  auto const first = bytes_of({.payload = text.substr(0, 200'000), .fin = false}),
             ping = bytes_of({.opcode = Opcode::ping, .payload = "are you there"}),
             second = bytes_of({.opcode = Opcode::continuation, .payload = text.substr(200'000)});
  auto const bytes = first + ping + second + bytes_of({.payload = "next"});
  for (std::size_t const piece : {1'000u, 30'000u, 70'000u, 500'000u}) {
    CAPTURE(piece);
    Server server;
    std::size_t in_place = 0;
    for (std::string_view rest = bytes; !rest.empty();) {
      auto const room = server.codec->receive_room(piece);
      std::size_t const count = std::min({piece, rest.size(), room.empty() ? rest.size() : room.size()});
      std::string const copy(rest.substr(0, count));
      std::string_view fed = copy;
      if (!room.empty()) {
        std::copy(copy.begin(), copy.end(), room.begin());
        fed = {room.data(), count};
        in_place += count;
      }
      REQUIRE(server.codec->feed(fed) == WebSocketState::open);
      rest.remove_prefix(count);
    }
    CHECK((server.heard.messages ==
           std::vector<Heard>{{core::MessageKind::text, text}, {core::MessageKind::text, "next"}}));
    CHECK(frames_in(server.take_out()).size() == 1);
    CHECK((piece < 16'000 || piece > 400'000 || in_place > 100'000));
  }
}

TEST_CASE("there is no room to receive into between messages, at the start of one, and after the end") {
  Server server;
  CHECK(server.codec->receive_room(1 << 20).empty());
  auto const frame = bytes_of({.payload = std::string(100'000, 'x')});
  CHECK(server.codec->feed(std::string_view(frame).substr(0, 8)) == WebSocketState::open);
  CHECK(server.codec->receive_room(1 << 20).empty());
  CHECK(server.codec->feed(std::string_view(frame).substr(8, 50'000)) == WebSocketState::open);
  CHECK(server.codec->receive_room(1 << 20).size() == 50'006);
  CHECK(server.codec->feed(std::string_view(frame).substr(50'008)) == WebSocketState::open);
  CHECK(server.codec->receive_room(1 << 20).empty());
}
