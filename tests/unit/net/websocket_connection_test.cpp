#include "net/websocket_connection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "unit/net/websocket_bench.hpp"
#include "wire/data_frame.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using core::MessageKind;
using core::MessageNumber;
using net::ConnectionSettings;
using net::WebSocketConnection;
using proto::CloseCode;
using proto::Delivery;
using test::Bench;
using test::Beside;
using test::leave;
using test::message_of;
using test::on_shard;
using test::Opcode;
using test::Peer;
using test::read_frame;
using test::Served;
using test::settle;
using test::too_much;
using test::until;

TEST_SUITE("websocket connection: messages") {
  TEST_CASE("go both ways between a server and a client, of any size and kind, in their order") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served server(bench, settings, 16 << 20);
      co_await server.opened();
      test::Listening client_heard;
      WebSocketConnection client(bench.shard, std::move(server.peer).release(), proto::ConnectionId{2},
                                 settings, client_heard);
      client.open_as_client(16 << 20);
      test::Beside client_running(bench.shard, client.run({}));

      std::string const big(3'000'000, 'b');
      client.send(message_of("hello"));
      client.send(message_of(big, MessageKind::binary));
      client.send(message_of(""));
      server.connection.send(message_of(big));
      server.connection.send(message_of("bye", MessageKind::binary));
      co_await until(bench.shard,
                     [&] { return server.heard.texts.size() == 3 && client_heard.texts.size() == 2; });
      CHECK(server.heard.texts == std::vector<std::string>{"hello", big, ""});
      CHECK(server.heard.kinds == std::vector{MessageKind::text, MessageKind::binary, MessageKind::text});
      CHECK(client_heard.texts == std::vector<std::string>{big, "bye"});
      CHECK(client_heard.kinds == std::vector{MessageKind::text, MessageKind::binary});
      CHECK(server.connection.traffic().messages_in == 3);
      CHECK(server.connection.traffic().messages_out == 2);
      CHECK(server.connection.traffic().bytes_in > big.size());
      CHECK(client.traffic().bytes_out == server.connection.traffic().bytes_in);

      client.close(CloseCode::normal, "done");
      co_await client_running.join();
      co_await server.running.join();
      CHECK(server.heard.left == 1);
      CHECK(client_heard.left == 1);
      CHECK(server.connection.close_code() == 1000);
      CHECK(client.close_code() == 1000);
    });
  }

  TEST_CASE("that came behind the handshake are heard") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      test::TcpPair pair(bench.shard);
      test::Listening heard;
      WebSocketConnection connection(bench.shard, std::move(pair.here), proto::ConnectionId{1}, settings,
                                     heard);
      std::string fault;
      REQUIRE(connection.accept(test::upgrade_request(), 1000, fault));
      test::Beside running(bench.shard, connection.run(core::Buffer(test::frame_of(Opcode::text, "early"))));
      co_await until(bench.shard, [&] { return !heard.texts.empty(); });
      CHECK(heard.texts[0] == "early");
      connection.abort();
      co_await running.join();
    });
  }

  TEST_CASE("a request that is no upgrade is not accepted, and says why") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      test::TcpPair pair(bench.shard);
      test::Listening heard;
      WebSocketConnection connection(bench.shard, std::move(pair.here), proto::ConnectionId{1}, settings,
                                     heard);
      wire::HttpRequestHead head = test::upgrade_request();
      head.method = "POST";
      std::string fault;
      CHECK_FALSE(connection.accept(head, 1000, fault));
      CHECK_FALSE(fault.empty());
      co_return;
    });
  }

  TEST_CASE("of more than 64 KiB go in fragments, and a pong passes between them") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      std::string const big(too_much, 'b');
      served.connection.send(message_of(big));
      std::string together;
      bool ponged = false;
      for (bool fin = false; !fin;) {
        auto const frame = co_await read_frame(served.peer);
        REQUIRE(frame.has_value());
        if (frame->opcode == Opcode::pong) {
          ponged = frame->payload == "now";
          continue;
        }
        CHECK(frame->opcode == (together.empty() ? Opcode::text : Opcode::continuation));
        CHECK(frame->payload.size() <= WebSocketConnection::fragment_size);
        if (together.empty()) co_await served.peer.send(test::frame_of(Opcode::ping, "now"));
        together += frame->payload;
        fin = frame->fin;
      }
      CHECK(ponged);
      CHECK(together == big);
      co_await leave(served);
    });
  }

  TEST_CASE("that are framed once for many go out whole and in order, also to a peer that reads late") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      constexpr int count = 400;
      std::string const filling(20'000, 'f');
      for (int i = 0; i < count; ++i) {
        auto const text = std::to_string(i) + filling;
        if (i % 7 == 3) {
          served.connection.send(message_of(text));
          continue;
        }
        auto frame = std::make_shared<core::Buffer>();
        wire::append_frame(*frame, {.body = text});
        core::OutMessage shared;
        auto const all = frame->view();
        shared.body = core::SharedBytes{std::move(frame), all.substr(all.size() - text.size()), all};
        REQUIRE(served.connection.send(std::move(shared)) != MessageNumber::none);
      }
      co_await test::settle(bench, served.connection);
      CHECK(served.connection.outbox_bytes() > 0);
      for (int i = 0; i < count; ++i) {
        auto const frame = co_await read_frame(served.peer);
        REQUIRE(frame.has_value());
        CHECK(frame->opcode == Opcode::text);
        CHECK(frame->payload == std::to_string(i) + filling);
      }
      CHECK(served.connection.outbox_bytes() == 0);
      co_await leave(served);
    });
  }
}

TEST_SUITE("websocket connection: its outbox") {
  TEST_CASE("is bounded: what does not fit is refused, and the connection stays") {
    Bench bench;
    ConnectionSettings settings;
    settings.outbox_limit = 1 << 20;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      std::string const piece(256 * 1024, 'x');
      int accepted = 0;
      while (served.connection.send(message_of(piece)) != MessageNumber::none) ++accepted;
      CHECK(accepted == 4);
      CHECK(served.connection.outbox_bytes() == (1u << 20));
      CHECK_FALSE(served.connection.fits(1));
      CHECK(served.connection.open());
      CHECK(served.connection.traffic().messages_out == 4);
      for (int i = 0; i < 4; ++i) {
        std::size_t size = 0;
        for (bool fin = false; !fin;) {
          auto const frame = co_await read_frame(served.peer);
          REQUIRE(frame.has_value());
          size += frame->payload.size();
          fin = frame->fin;
        }
        CHECK(size == piece.size());
      }
      CHECK(served.connection.fits(1 << 20));
      co_await leave(served);
    });
  }

  TEST_CASE("a message of which nothing was framed can be taken back") {
    Bench bench;
    ConnectionSettings settings;
    settings.outbox_limit = 2 * too_much;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      auto const first = served.connection.send(message_of(std::string(too_much, 'x')));
      auto const second = served.connection.send(message_of("never"));
      auto const third = served.connection.send(message_of("third"));
      co_await settle(bench, served.connection);
      CHECK_FALSE(served.connection.revoke(first));
      CHECK(served.connection.revoke(second));
      CHECK_FALSE(served.connection.revoke(second));
      CHECK_FALSE(served.connection.revoke(MessageNumber::none));
      CHECK(served.connection.traffic().messages_out == 2);
      std::string last;
      for (int messages = 0; messages < 2;) {
        auto const frame = co_await read_frame(served.peer);
        REQUIRE(frame.has_value());
        last = frame->payload;
        if (frame->fin) ++messages;
      }
      CHECK(last == "third");
      CHECK(served.connection.delivery(third) != Delivery::not_sent);
      co_await leave(served);
    });
  }
}

TEST_SUITE("websocket connection: delivery") {
  TEST_CASE("is sent when the peer's system has acknowledged the whole message") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      auto const number = served.connection.send(message_of("hello"));
      CHECK(served.connection.delivery(number) == Delivery::not_sent);
      co_await until(bench.shard, [&] { return served.connection.delivery(number) == Delivery::sent; });
      co_await leave(served);
      CHECK(served.connection.delivery(number) == Delivery::sent);
    });
  }

  TEST_CASE("is unknown in the middle of a message, and not-sent behind it") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      auto const first = served.connection.send(message_of(std::string(too_much, 'x')));
      auto const second = served.connection.send(message_of("behind"));
      co_await settle(bench, served.connection);
      CHECK(served.connection.delivery(first) == Delivery::unknown);
      CHECK(served.connection.delivery(second) == Delivery::not_sent);
      served.peer.reset();
      co_await served.running.join();
      CHECK(served.connection.delivery(first) == Delivery::unknown);
      CHECK(served.connection.delivery(second) == Delivery::not_sent);
    });
  }

  TEST_CASE("is unknown for a frame that the kernel has not taken yet, for it still goes out") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      // Small ones, so that the frame in the middle is followed by others in the same buffer.
      std::vector<MessageNumber> numbers;
      for (int i = 0; i < 2000; ++i)
        numbers.push_back(served.connection.send(message_of(std::string(4000, 'x'))));
      co_await settle(bench, served.connection);
      // The last that was framed: the one after it can be taken back.
      MessageNumber framed{};
      for (auto const number : numbers) {
        if (served.connection.revoke(number)) break;
        framed = number;
      }
      REQUIRE(framed != MessageNumber::none);
      CHECK(served.connection.delivery(framed) == Delivery::unknown);
      // When the connection is over it does not go out any more.
      served.connection.abort();
      co_await served.running.join();
      CHECK(served.connection.delivery(framed) == Delivery::not_sent);
    });
  }
}

namespace {

Task<> send_all(Peer& peer, std::string bytes) {
  bool const sent = co_await peer.send(std::move(bytes));
  CHECK(sent);
}

/// How many turns of the loop it takes until a big message has been read.
Task<> read_big_message(Bench& bench, int& turns) {
  constexpr std::size_t size = 2 << 20;
  ConnectionSettings const settings;
  Served served(bench, settings, size);
  co_await served.opened();
  std::string frame{static_cast<char>(0x82), static_cast<char>(0xff), 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0};
  Beside sending(bench.shard, send_all(served.peer, frame + std::string(size, 'x')));
  co_await until(bench.shard, [&] { return ++turns, !served.heard.texts.empty(); });
  CHECK(served.heard.texts.front().size() == size);
  co_await sending.join();
  co_await leave(served);
}

}  // namespace

TEST_SUITE("websocket connection: a backlog") {
  TEST_CASE("a big message is read more slowly while the shard has one, and comes nevertheless") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      int alone = std::numeric_limits<int>::max(), beside = 0;
      // The kernel may hold one up.
      for (int i = 0; i < 3; ++i) {
        int turns = 0;
        co_await read_big_message(bench, turns);
        alone = std::min(alone, turns);
      }
      async::Backlog const backlog(bench.shard);
      co_await read_big_message(bench, beside);
      CHECK(beside > 4 * alone);
    });
  }
}
