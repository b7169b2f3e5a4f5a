#include "wire/stream_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "unit/wire/frames.hpp"

using namespace reachback;
using core::MessageKind;
using wire::Role;
using wire::StreamPool;
using wire::WebSocketState;
using wire_test::bytes_of;
using wire_test::Client;
using wire_test::close_frame;
using wire_test::frames_in;
using wire_test::Heard;
using wire_test::Opcode;
using wire_test::Server;

namespace {

std::size_t kept(Role role = Role::server) { return StreamPool::of(role).kept(); }

class Silence final : public wire::Wire {
 public:
  [[nodiscard]] std::string_view next_piece() override { throw wire::OutOfBytes{}; }
  void send(std::string_view) override {}
  void on_control(boost::beast::websocket::frame_type, std::string_view) override {}
};

void empty_the_pool() {
  Silence silence;
  while (kept() != 0) (void)StreamPool::of(Role::server).take(silence);
}

std::string opening(std::string_view text) { return bytes_of({.payload = std::string(text), .fin = false}); }
std::string continuation(std::string_view text, bool fin) {
  return bytes_of({.opcode = Opcode::continuation, .payload = std::string(text), .fin = fin});
}

/// One connection among many: what its peer sends, and what must come of it.
struct Talk {
  explicit Talk(int number) {
    for (int i = 0; i < 5; ++i) {
      auto const name = std::to_string(number) + "." + std::to_string(i);
      bytes += opening(name + "\xe2") + bytes_of({.opcode = Opcode::ping, .payload = name}) +
               continuation("", false) + continuation("\x82\xac", true) +
               bytes_of({.opcode = Opcode::pong, .payload = name}) +
               bytes_of({.opcode = Opcode::binary, .payload = name + "\xff"});
      messages.push_back({MessageKind::text, name + "\xe2\x82\xac"});
      messages.push_back({MessageKind::binary, name + "\xff"});
      controls.push_back(name);
    }
  }
  void feed(std::size_t count) {
    REQUIRE(server.codec->feed(std::string_view(bytes).substr(fed, count)) == WebSocketState::open);
    fed = std::min(bytes.size(), fed + count);
  }
  [[nodiscard]] bool over() const { return fed == bytes.size(); }
  void check() {
    CHECK(server.heard.messages == messages);
    CHECK(server.heard.pongs == controls);
    auto const answers = frames_in(server.take_out());
    REQUIRE(answers.size() == controls.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      CHECK(answers[i].opcode == Opcode::pong);
      CHECK(answers[i].payload == controls[i]);
    }
  }

  Server server;
  std::string bytes;
  std::size_t fed = 0;
  std::vector<Heard> messages;
  std::vector<std::string> controls;
};

}  // namespace

TEST_CASE("a connection needs a stream for control frames only, and gives it back") {
  empty_the_pool();
  Server server;
  empty_the_pool();
  REQUIRE(server.codec->feed(opening("all") + continuation(" of it", true)) == WebSocketState::open);
  CHECK(kept() == 0);
  auto const ping = bytes_of({.opcode = Opcode::ping, .payload = "p"});
  REQUIRE(server.codec->feed(opening("") + ping + ping) == WebSocketState::open);
  CHECK(kept() == 1);
  CHECK(server.heard.messages == std::vector<Heard>{{MessageKind::text, "all of it"}});
}

TEST_CASE("connections that take turns with each other's streams keep their messages apart") {
  std::mt19937 random(1);
  std::vector<std::unique_ptr<Talk>> talks;
  for (int i = 0; i < 20; ++i) talks.push_back(std::make_unique<Talk>(i));
  while (!std::ranges::all_of(talks, [](auto const& talk) { return talk->over(); })) {
    auto const at = std::uniform_int_distribution<std::size_t>(0, talks.size() - 1)(random);
    talks[at]->feed(std::uniform_int_distribution<std::size_t>(1, 12)(random));
  }
  for (auto const& talk : talks) talk->check();
}

TEST_CASE("a stream that failed or saw a close is not used again") {
  std::string const endings[] = {bytes_of({.opcode = Opcode::ping, .masked = false}), close_frame(1000),
                                 close_frame(5000)};
  for (auto const& ending : endings) {
    Talk after(1);
    std::size_t const before = kept();
    REQUIRE(before > 0);
    {
      Server server;
      CHECK(server.codec->feed(bytes_of({.payload = "fine"}) + ending) != WebSocketState::open);
    }
    CHECK(kept() <= before);  // the handshake's own came, this one went
    after.feed(after.bytes.size());
    after.check();
  }
}

TEST_CASE("our own ping and close leave the pool's streams as they were") {
  Server server;
  server.codec->ping("a");
  server.codec->close(1000, "");
  Talk after(1);
  after.feed(after.bytes.size());
  after.check();
}

TEST_CASE("a client's messages are written by one stream each, from the first fragment to the last") {
  Client one, other;
  for (auto* const client : {&one, &other})
    client->codec->write(
        {.kind = MessageKind::binary, .body = "be", .position = core::FramePosition::more_follow});
  one.codec->ping("between");
  for (auto* const client : {&other, &one}) client->codec->write({.body = "gun", .first = false});
  Server server;
  CHECK(server.codec->feed(one.take_out() + other.take_out()) == WebSocketState::open);
  CHECK(server.heard.messages == std::vector<Heard>(2, {MessageKind::binary, "begun"}));
}

TEST_CASE("a thread keeps a bounded number of streams") {
  Silence silence;
  auto& pool = StreamPool::of(Role::server);
  std::vector<wire::Stream> streams;
  for (std::size_t i = 0; i < StreamPool::most_kept + 10; ++i) streams.push_back(pool.take(silence));
  for (auto& stream : streams) pool.give(std::move(stream));
  CHECK(kept() == StreamPool::most_kept);
}

TEST_CASE("each thread and each role has streams of its own") {
  Server const server;
  Client client;
  client.codec->ping("p");
  CHECK(kept(Role::server) > 0);
  CHECK(kept(Role::client) > 0);
  std::thread([] { CHECK(kept(Role::server) + kept(Role::client) == 0); }).join();
}
