#include "wire/websocket_codec.hpp"

#include <doctest/doctest.h>

#include "unit/wire/frames.hpp"

using namespace reachback;
using core::MessageKind;
using wire::WebSocketState;
using wire_test::bytes_of;
using wire_test::feed_in_pieces;
using wire_test::frames_in;
using wire_test::Heard;
using wire_test::Opcode;
using wire_test::Server;

namespace {

/// Everything that may stand on the wire in one conversation.
std::string conversation() {
  return bytes_of({.payload = "{\"callId\":1,\"text\":\"\xc3\xbc\"}"}) +
         bytes_of({.payload = "frag\xe2", .fin = false}) +
         bytes_of({.opcode = Opcode::ping, .payload = "hi"}) +
         bytes_of({.opcode = Opcode::continuation, .payload = "", .fin = false}) +
         bytes_of({.opcode = Opcode::continuation, .payload = "\x82\xac", .fin = false}) +
         bytes_of({.opcode = Opcode::pong, .payload = ""}) +
         bytes_of({.opcode = Opcode::continuation, .payload = "ments"}) +
         bytes_of({.opcode = Opcode::binary, .payload = std::string("\0\xff", 2)}) +
         bytes_of({.payload = ""}) + bytes_of({.payload = std::string(130, 'm')}) +
         bytes_of({.payload = "ends empty", .fin = false}) +
         bytes_of({.opcode = Opcode::continuation, .payload = ""}) +
         bytes_of({.opcode = Opcode::pong, .payload = "late"});
}

void check_conversation(Server& server) {
  CHECK(server.codec->state() == WebSocketState::open);
  CHECK(server.codec->partial_bytes() == 0);
  REQUIRE(server.heard.messages.size() == 6);
  CHECK(server.heard.messages[0] == Heard{MessageKind::text, "{\"callId\":1,\"text\":\"\xc3\xbc\"}"});
  CHECK(server.heard.messages[1] == Heard{MessageKind::text, "frag\xe2\x82\xacments"});
  CHECK(server.heard.messages[2] == Heard{MessageKind::binary, std::string("\0\xff", 2)});
  CHECK(server.heard.messages[3] == Heard{MessageKind::text, ""});
  CHECK(server.heard.messages[4] == Heard{MessageKind::text, std::string(130, 'm')});
  CHECK(server.heard.messages[5] == Heard{MessageKind::text, "ends empty"});
  CHECK(server.heard.pongs == std::vector<std::string>{"", "late"});
  auto const answers = frames_in(server.take_out());
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].opcode == Opcode::pong);
  CHECK(answers[0].payload == "hi");
}

/// A payload of many sizes' worth of different bytes, all of them ASCII.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(' ' + (i * 7 + i / 251) % 90);
  return text;
}

}  // namespace

TEST_CASE("a conversation that comes at once is understood") {
  Server server;
  CHECK(server.codec->feed(conversation()) == WebSocketState::open);
  check_conversation(server);
}

TEST_CASE("a conversation that comes byte by byte is understood") {
  Server server;
  CHECK(feed_in_pieces(*server.codec, conversation(), 1) == WebSocketState::open);
  check_conversation(server);
}

TEST_CASE("a conversation that comes in two parts is understood wherever the cut is") {
  auto const bytes = conversation();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    Server server;
    (void)server.codec->feed(std::string_view(bytes).substr(0, cut));
    (void)server.codec->feed(std::string_view(bytes).substr(cut));
    check_conversation(server);
  }
}

TEST_CASE("a conversation is understood in pieces of any size") {
  auto const bytes = conversation();
  for (std::size_t size = 2; size < 64; ++size) {
    CAPTURE(size);
    Server server;
    CHECK(feed_in_pieces(*server.codec, bytes, size) == WebSocketState::open);
    check_conversation(server);
  }
}

TEST_CASE("500 pings and then an answer come through") {
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += bytes_of({.opcode = Opcode::ping, .payload = std::to_string(i)});
  bytes += bytes_of({.payload = "answer"});
  for (std::size_t const size : {bytes.size(), std::size_t{1}, std::size_t{13}}) {
    Server server;
    CHECK(feed_in_pieces(*server.codec, bytes, size) == WebSocketState::open);
    auto const pongs = frames_in(server.take_out());
    REQUIRE(pongs.size() == 500);
    for (std::size_t i = 0; i < 500; ++i) {
      CHECK(pongs[i].opcode == Opcode::pong);
      CHECK(pongs[i].payload == std::to_string(i));
    }
    CHECK(server.heard.messages == std::vector<Heard>{{MessageKind::text, "answer"}});
  }
}

TEST_CASE("frames of every size around what is read ahead come through") {
  for (std::size_t size = 1500; size < 1560; ++size) {
    CAPTURE(size);
    auto const text = pattern(size);
    auto const bytes = bytes_of({.payload = text}) + bytes_of({.opcode = Opcode::ping}) +
                       bytes_of({.payload = text, .fin = false}) +
                       bytes_of({.opcode = Opcode::continuation, .payload = text});
    for (std::size_t const piece : {bytes.size(), std::size_t{1537}, std::size_t{1536}, std::size_t{700}}) {
      Server server;
      CHECK(feed_in_pieces(*server.codec, bytes, piece) == WebSocketState::open);
      CHECK(server.heard.messages ==
            std::vector<Heard>{{MessageKind::text, text}, {MessageKind::text, text + text}});
    }
  }
}

TEST_CASE("what is held of an incomplete message is reported and grows only with what came") {
  Server server(16 * 1024 * 1024);
  (void)server.codec->feed(wire_test::header_of(Opcode::binary, 16 * 1024 * 1024));
  CHECK(server.codec->partial_bytes() == 0);
  (void)server.codec->feed(std::string(100, 'x'));
  CHECK(server.codec->partial_bytes() == 100);
  (void)server.codec->feed(std::string(5000, 'x'));
  CHECK(server.codec->partial_bytes() == 5100);
}

TEST_CASE(
    "a message of 16 MiB passes a limit of 16 MiB, in pieces and at once, and a pong passes in its middle") {
  constexpr std::size_t limit = 16 * 1024 * 1024;
  auto const text = pattern(limit);
  auto const first = text.substr(0, 9'000'000);
  auto const bytes = bytes_of({.payload = first, .fin = false}) +
                     bytes_of({.opcode = Opcode::pong, .payload = "between"}) +
                     bytes_of({.opcode = Opcode::continuation, .payload = text.substr(first.size())});
  for (std::size_t const size : {std::size_t{65536}, std::size_t{1021}, bytes.size()}) {
    Server server(limit);
    CHECK(feed_in_pieces(*server.codec, std::string_view(bytes).substr(0, first.size() + 100), size) ==
          WebSocketState::open);
    CHECK(server.heard.pongs == std::vector<std::string>{"between"});
    CHECK(server.heard.messages.empty());
    CHECK(feed_in_pieces(*server.codec, std::string_view(bytes).substr(first.size() + 100), size) ==
          WebSocketState::open);
    REQUIRE(server.heard.messages.size() == 1);
    CHECK(server.heard.messages[0].text == text);
  }
}

TEST_CASE("a message of one byte more than the limit ends with 1009, before its payload comes") {
  constexpr std::size_t limit = 16 * 1024 * 1024;
  Server server(limit);
  CHECK(server.codec->feed(wire_test::header_of(Opcode::text, limit + 1)) == WebSocketState::failed);
  CHECK(server.codec->close_code() == 1009);

  Server other(limit);
  CHECK(other.codec->feed(bytes_of({.payload = std::string(limit, 'x'), .fin = false})) ==
        WebSocketState::open);
  CHECK(other.codec->feed(wire_test::header_of(Opcode::continuation, 1)) == WebSocketState::failed);
  CHECK(other.codec->close_code() == 1009);
  CHECK(other.codec->partial_bytes() == 0);
}

TEST_CASE("a fragment is one frame, whatever its size") {
  Server server;
  auto const big = pattern(70000);
  server.codec->write({.kind = MessageKind::text,
                       .head = "{\"callId\":7,",
                       .body = "\"a\":1}",
                       .position = core::FramePosition::last});
  server.codec->write(
      {.kind = MessageKind::binary, .head = "h", .body = big, .position = core::FramePosition::more_follow});
  server.codec->ping("still there?");
  server.codec->write({.kind = MessageKind::binary, .body = "rest", .first = false});
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 4);
  CHECK(frames[0].opcode == Opcode::text);
  CHECK(frames[0].payload == "{\"callId\":7,\"a\":1}");
  CHECK(frames[0].fin);
  CHECK(frames[1].opcode == Opcode::binary);
  CHECK(frames[1].payload == "h" + big);
  CHECK(!frames[1].fin);
  CHECK(frames[2].opcode == Opcode::ping);
  CHECK(frames[2].payload == "still there?");
  CHECK(frames[3].opcode == Opcode::continuation);
  CHECK(frames[3].payload == "rest");
  CHECK(frames[3].fin);
  for (auto const& frame : frames) CHECK(!frame.masked);
}

TEST_CASE("an empty fragment is an empty frame") {
  Server server;
  server.codec->write({});
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].opcode == Opcode::text);
  CHECK(frames[0].payload.empty());
}

TEST_CASE("a ping's payload is cut at what a control frame holds") {
  Server server;
  server.codec->ping(std::string(200, 'p'));
  CHECK(frames_in(server.take_out()).at(0).payload == std::string(125, 'p'));
}

TEST_CASE("the peer's close is answered with its code") {
  Server server;
  CHECK(server.codec->feed(wire_test::close_frame(1001, "bye")) == WebSocketState::closed_by_peer);
  CHECK(server.codec->close_code() == 1001);
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].opcode == Opcode::close);
  CHECK(frames[0].payload == "\x03\xe9");
}

TEST_CASE("a close without a code counts as 1005") {
  Server server;
  CHECK(server.codec->feed(bytes_of({.opcode = Opcode::close})) == WebSocketState::closed_by_peer);
  CHECK(server.codec->close_code() == 1005);
}

TEST_CASE("after the peer's close nothing is taken or sent") {
  Server server;
  CHECK(server.codec->feed(wire_test::close_frame(1000) + bytes_of({.payload = "late"})) ==
        WebSocketState::closed_by_peer);
  (void)server.take_out();
  CHECK(server.codec->feed(bytes_of({.opcode = Opcode::ping})) == WebSocketState::closed_by_peer);
  server.codec->write({.body = "text"});
  server.codec->ping("");
  server.codec->close(1000, "");
  CHECK(server.heard.messages.empty());
  CHECK(server.take_out().empty());
}

TEST_CASE("our close goes out with its code and reason") {
  Server server;
  server.codec->close(1012, "restart");
  auto const frames = frames_in(server.take_out());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].opcode == Opcode::close);
  CHECK(frames[0].payload == "\x03\xf4restart");
  CHECK(!frames[0].masked);
}

TEST_CASE("a long reason is cut at 123 bytes, between characters") {
  Server server;
  server.codec->close(1008, std::string(122, 'a') + "\xc3\xbc!");
  CHECK(frames_in(server.take_out()).at(0).payload == "\x03\xf0" + std::string(122, 'a'));
}

TEST_CASE("after our close the peer's messages are taken until its close comes, and nothing is sent") {
  auto const rest = bytes_of({.payload = "rest of it"}) + bytes_of({.opcode = Opcode::ping, .payload = "p"}) +
                    bytes_of({.payload = "one more"}) + wire_test::close_frame(1000);
  for (std::size_t const size : {rest.size(), std::size_t{1}}) {
    Server server;
    (void)server.codec->feed(bytes_of({.payload = "begun, ", .fin = false}));
    server.codec->close(1001, "");
    CHECK(frames_in(server.take_out()).size() == 1);
    server.codec->write({.body = "too late"});
    server.codec->ping("");
    server.codec->close(1000, "again");
    CHECK(server.codec->state() == WebSocketState::open);
    CHECK(!server.codec->close_code());
    auto const bytes = bytes_of({.opcode = Opcode::continuation, .payload = "ended"}) + rest;
    CHECK(feed_in_pieces(*server.codec, bytes, size) == WebSocketState::closed_by_peer);
    CHECK(server.codec->close_code() == 1000);
    REQUIRE(server.heard.messages.size() == 3);
    CHECK(server.heard.messages[0].text == "begun, ended");
    CHECK(server.heard.messages[2].text == "one more");
    CHECK(server.take_out().empty());
  }
}

TEST_CASE("our close in the middle of an incoming frame lets that frame come to its end") {
  auto const frame = bytes_of({.payload = std::string(5000, 'x')});
  for (std::size_t const cut :
       {std::size_t{1}, std::size_t{5}, std::size_t{8}, std::size_t{20}, std::size_t{3000}}) {
    CAPTURE(cut);
    Server server;
    (void)server.codec->feed(std::string_view(frame).substr(0, cut));
    server.codec->close(1000, "");
    CHECK(server.codec->feed(frame.substr(cut) + wire_test::close_frame(1000)) ==
          WebSocketState::closed_by_peer);
    CHECK(server.heard.messages == std::vector<Heard>{{MessageKind::text, std::string(5000, 'x')}});
  }
}

TEST_CASE("a violation after our close is a failure without a second close frame") {
  Server server;
  server.codec->close(1000, "");
  (void)server.take_out();
  CHECK(server.codec->feed(bytes_of({.payload = "x", .masked = false})) == WebSocketState::failed);
  CHECK(server.take_out().empty());
}

TEST_CASE("a message that is still coming is shown as far as it has come, after each piece") {
  wire_test::Server server;
  server.heard.keeps_partials = true;
  auto const first = bytes_of({.opcode = Opcode::binary, .payload = "one ", .fin = false});
  auto const last = bytes_of({.opcode = Opcode::continuation, .payload = "two"});
  CHECK(server.codec->feed(first) == WebSocketState::open);
  REQUIRE(server.heard.partials.size() == 1);
  CHECK(server.heard.partials[0] == wire_test::Heard{MessageKind::binary, "one "});
  CHECK(server.codec->feed(std::string_view(last).substr(0, last.size() - 1)) == WebSocketState::open);
  REQUIRE(server.heard.partials.size() == 2);
  CHECK(server.heard.partials[1] == wire_test::Heard{MessageKind::binary, "one tw"});
  CHECK(server.codec->feed(std::string_view(last).substr(last.size() - 1)) == WebSocketState::open);
  CHECK(server.heard.partials.size() == 2);
  CHECK(server.heard.messages == std::vector{wire_test::Heard{MessageKind::binary, "one two"}});
}

namespace {

/// Answers from inside `feed`, as an endpoint does.
class Answering final : public wire::WebSocketSink {
 public:
  void on_message(MessageKind, core::Buffer message) override {
    if (message.view() == "close") {
      codec->close(4000, "asked to");
    } else {
      codec->write({.head = "re: ", .body = message.view()});
    }
  }
  void on_partial(MessageKind, std::string_view) override {}
  void on_pong(std::string_view payload) override { codec->ping(payload); }
  wire::WebSocketCodec* codec = nullptr;
};

}  // namespace

TEST_CASE("the sink may write, ping and close from inside") {
  Answering sink;
  core::Buffer out;
  std::string fault;
  auto const codec = wire::WebSocketCodec::accept(wire_test::upgrade_request(), 1000, sink, out, fault);
  sink.codec = codec.get();
  out.clear();
  auto const bytes = bytes_of({.payload = "one"}) + bytes_of({.opcode = Opcode::pong, .payload = "again"}) +
                     bytes_of({.payload = "close"}) + bytes_of({.payload = "unanswered"}) +
                     wire_test::close_frame(4000);
  CHECK(codec->feed(bytes) == WebSocketState::closed_by_peer);
  auto const frames = frames_in(out.view());
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].payload == "re: one");
  CHECK(frames[1].opcode == Opcode::ping);
  CHECK(frames[1].payload == "again");
  CHECK(frames[2].payload ==
        "\x0f\xa0"
        "asked to");
}
