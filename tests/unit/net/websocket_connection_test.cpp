#include "net/websocket_connection.hpp"

#include <doctest/doctest.h>

#include <string>

#include "unit/net/websocket_bench.hpp"

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
using test::Frame;
using test::message_of;
using test::move_clock;
using test::on_shard;
using test::Opcode;
using test::read_frame;
using test::Served;
using test::turn;
using test::until;

namespace {

/// More than the kernel buffers for a peer that does not read (the test's sockets are narrow).
constexpr std::size_t too_much = 8 << 20;

/// Returns when nothing moves any more between a connection and a peer that does not read.
Task<> settle(Bench& bench, WebSocketConnection const& connection) {
  std::uint64_t sent = connection.traffic().bytes_out;
  for (int still = 0; still < 200; ++still) {
    co_await turn(bench.shard);
    if (std::exchange(sent, connection.traffic().bytes_out) != sent) still = 0;
  }
}

/// Ends a connection that the test needs no more.
Task<> leave(Served& served) {
  served.connection.abort();
  co_await served.running.join();
}

}  // namespace

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

TEST_SUITE("websocket connection: pings and silence") {
  TEST_CASE("pings in its interval; a pong tells the round trip") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      for (int i = 0; i < 5; ++i) {
        co_await move_clock(bench, settings.ping_interval);
        auto const ping = co_await read_frame(served.peer);
        REQUIRE(ping.has_value());
        CHECK(ping->opcode == Opcode::ping);
        bench.clock.advance(3ms);
        co_await served.peer.send_and_see_read(test::frame_of(Opcode::pong, ping->payload));
        REQUIRE(served.connection.traffic().round_trip.has_value());
        CHECK(*served.connection.traffic().round_trip == 3ms);
      }
      CHECK(served.connection.open());
      co_await leave(served);
    });
  }

  TEST_CASE("a pong that answers none of its pings says nothing") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      co_await move_clock(bench, settings.ping_interval);
      for (std::string const payload : {"", "0", "17", "x"}) {
        co_await served.peer.send_and_see_read(test::frame_of(Opcode::pong, payload));
      }
      CHECK_FALSE(served.connection.traffic().round_trip.has_value());
      co_await leave(served);
    });
  }

  TEST_CASE("a peer from which no byte comes is dropped after the time of silence, and any byte counts") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      co_await move_clock(bench, settings.ping_interval - 1s);
      co_await served.peer.send_and_see_read("\x81");  // half a header
      co_await move_clock(bench, settings.silence_timeout - 1ms);
      CHECK(served.heard.left == 0);
      co_await move_clock(bench, 1ms);
      co_await served.running.join();
      CHECK(served.heard.left == 1);
      CHECK(served.connection.close_code() == 1006);
    });
  }

  TEST_CASE("silence has its own time, whatever the interval of pings") {
    Bench bench;
    ConnectionSettings settings;
    settings.ping_interval = 20s;
    for (auto const silence : {5s, 30s, 50s}) {
      settings.silence_timeout = silence;
      Bench own;
      on_shard(own.shard, [&]() -> Task<> {
        Served served(own, settings);
        co_await served.opened();
        for (core::Duration passed{}; passed < silence; passed += 1s) {
          CHECK_FALSE(served.running.over());
          co_await move_clock(own, 1s);
        }
        co_await settle(own, served.connection);
        CHECK(served.running.over());
        served.connection.abort();
        co_await served.running.join();
      });
    }
  }
}

TEST_SUITE("websocket connection: peers that do not read") {
  TEST_CASE("one that takes nothing is closed as a slow consumer") {
    Bench bench;
    ConnectionSettings settings;
    settings.silence_timeout = 1h;
    settings.ping_interval = 1h;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.send(message_of(std::string(too_much, 'x')));
      co_await settle(bench, served.connection);
      co_await move_clock(bench, settings.write_timeout - 1ms);
      CHECK(served.connection.open());
      co_await move_clock(bench, 1ms);
      CHECK_FALSE(served.connection.open());
      CHECK(served.heard.left == 1);
      CHECK(served.connection.close_code() == 4408);
      co_await move_clock(bench, settings.close_timeout);
      co_await served.running.join();
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("one that takes a little now and then is not") {
    Bench bench;
    ConnectionSettings settings;
    settings.silence_timeout = 10h;
    settings.ping_interval = 10h;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.send(message_of(std::string(too_much, 'x')));
      for (int i = 0; i < 5; ++i) {
        co_await settle(bench, served.connection);
        co_await move_clock(bench, settings.write_timeout - 1s);
        std::string const some = co_await served.peer.read(512 * 1024);
        CHECK(some.size() == 512 * 1024);
      }
      co_await settle(bench, served.connection);
      CHECK(served.connection.open());
      co_await leave(served);
    });
  }

  TEST_CASE("one that floods with pings and reads no pong ends its connection") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      std::string flood;
      while (flood.size() < 1 << 20) flood += test::frame_of(Opcode::ping, std::string(125, 'p'));
      bool taken = true;
      std::size_t sent = 0;
      while (taken && !served.running.over()) {
        REQUIRE(sent < (256u << 20));
        taken = co_await served.peer.send(flood);
        sent += flood.size();
      }
      co_await served.running.join();
      CHECK(served.heard.left == 1);
    });
  }
}

TEST_SUITE("websocket connection: its end") {
  TEST_CASE("close goes out behind what is queued, and waits for the peer's answer") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.send(message_of("first"));
      served.connection.close(CloseCode::service_restart, "again soon");
      CHECK(served.heard.left == 1);
      CHECK_FALSE(served.connection.open());
      CHECK(served.connection.send(message_of("too late")) == MessageNumber::none);
      served.connection.close(CloseCode::policy, "not twice");
      auto const first = co_await read_frame(served.peer);
      REQUIRE(first.has_value());
      CHECK(first->payload == "first");
      auto const last = co_await read_frame(served.peer);
      REQUIRE(last.has_value());
      CHECK(last->opcode == Opcode::close);
      CHECK(last->close_code() == 1012);
      CHECK(last->payload.substr(2) == "again soon");
      CHECK_FALSE(served.running.over());
      // What the peer sends meanwhile does not count.
      co_await served.peer.send(test::frame_of(Opcode::text, "unheard") + test::close_frame(1012));
      auto const nothing = co_await read_frame(served.peer);
      CHECK_FALSE(nothing.has_value());
      CHECK(served.peer.ended_in_order());
      served.peer.close();
      co_await served.running.join();
      CHECK(served.heard.texts.empty());
      CHECK(served.heard.left == 1);
      CHECK(served.connection.close_code() == 1012);
    });
  }

  TEST_CASE("a peer that does not answer the close is dropped after its time") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.close(CloseCode::policy, {});
      auto const frame = co_await read_frame(served.peer);
      REQUIRE(frame.has_value());
      CHECK(frame->close_code() == 1008);
      co_await move_clock(bench, settings.close_timeout - 1ms);
      CHECK_FALSE(served.running.over());
      co_await move_clock(bench, 1ms);
      co_await served.running.join();
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("the peer's close is answered, and its code is kept") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      co_await served.peer.send(test::close_frame(1001));
      auto const frame = co_await read_frame(served.peer);
      REQUIRE(frame.has_value());
      CHECK(frame->opcode == Opcode::close);
      CHECK(frame->close_code() == 1001);
      auto const nothing = co_await read_frame(served.peer);
      CHECK_FALSE(nothing.has_value());
      CHECK(served.peer.ended_in_order());
      served.peer.close();
      co_await served.running.join();
      CHECK(served.heard.left == 1);
      CHECK(served.connection.close_code() == 1001);
    });
  }

  TEST_CASE("a peer that is simply gone has left with 1006") {
    void (*const ways[])(test::Peer&) = {[](test::Peer& peer) { peer.close(); },
                                         [](test::Peer& peer) { peer.shut(); },
                                         [](test::Peer& peer) { peer.reset(); }};
    for (auto* const leave_by : ways) {
      Bench bench;
      ConnectionSettings const settings;
      on_shard(bench.shard, [&]() -> Task<> {
        Served served(bench, settings);
        co_await served.opened();
        leave_by(served.peer);
        co_await served.running.join();
        CHECK(served.heard.left == 1);
        CHECK(served.connection.close_code() == 1006);
      });
    }
  }

  TEST_CASE("messages that came before the peer went are heard before it has left") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      int left_at_message = -1;
      served.heard.then = [&](WebSocketConnection&) { left_at_message = served.heard.left; };
      served.peer.send_some(test::frame_of(Opcode::text, "last words"));
      served.peer.close();
      co_await served.running.join();
      CHECK(served.heard.texts == std::vector<std::string>{"last words"});
      CHECK(left_at_message == 0);
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("a frame against the rules is answered with 1002, one over the limit with 1009") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      std::string unmasked = "\x81\x02hi";
      std::string too_big =
          std::string("\x82\xff", 2) + std::string("\0\0\0\0\x40\0\0\0", 8) + std::string(4, '\0');
      std::pair<std::string, int> const violations[] = {{unmasked, 1002}, {too_big, 1009}};
      for (auto const& [bytes, code] : violations) {
        Served served(bench, settings);
        co_await served.opened();
        co_await served.peer.send(bytes);
        auto const frame = co_await read_frame(served.peer);
        REQUIRE(frame.has_value());
        CHECK(frame->opcode == Opcode::close);
        CHECK(frame->close_code() == code);
        CHECK(served.heard.left == 1);
        served.peer.close();
        co_await served.running.join();
        CHECK(served.connection.close_code() == code);
      }
    });
  }

  TEST_CASE("abort ends it without a close frame") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.abort();
      served.connection.abort();
      co_await served.running.join();
      auto const frame = co_await read_frame(served.peer);
      CHECK_FALSE(frame.has_value());
      CHECK(served.heard.left == 1);
      served.connection.close(CloseCode::normal, "too late");
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("abort from inside a message counts, whatever came behind it") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.heard.then = [](WebSocketConnection& connection) { connection.abort(); };
      co_await served.peer.send(test::frame_of(Opcode::text, "one") + test::close_frame(1000));
      // Without a move of the clock: it must not wait for the time of the closing handshake.
      co_await served.running.join();
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("close from inside a message: what is behind it is not heard") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.heard.then = [](WebSocketConnection& connection) { connection.close(CloseCode::policy, {}); };
      co_await served.peer.send(test::frame_of(Opcode::text, "one") + test::frame_of(Opcode::text, "two"));
      auto const frame = co_await read_frame(served.peer);
      REQUIRE(frame.has_value());
      CHECK(frame->close_code() == 1008);
      CHECK(served.heard.texts.size() == 1);
      CHECK(served.heard.left == 1);
      served.peer.close();
      co_await served.running.join();
    });
  }

  TEST_CASE("cancellation ends it, also while a write waits") {
    Bench bench;
    ConnectionSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      served.connection.send(message_of(std::string(too_much, 'x')));
      co_await settle(bench, served.connection);
      served.running.cancel();
      co_await served.running.join();
      CHECK_FALSE(served.running.failed());
      CHECK(served.heard.left == 1);
    });
  }

  TEST_CASE("messages that are not complete share a budget; over it the connection closes with 1013") {
    Bench bench;
    core::Budget budget(100'000);
    ConnectionSettings settings;
    settings.receive_budget = &budget;
    on_shard(bench.shard, [&]() -> Task<> {
      Served served(bench, settings);
      co_await served.opened();
      std::string const header =
          std::string("\x82\xff", 2) + std::string("\0\0\0\0\0\x08\0\0", 8) + std::string(4, '\0');
      co_await served.peer.send_and_see_read(header + std::string(50'000, 'x'));
      CHECK(budget.used() == 50'000);
      CHECK(served.connection.open());
      co_await served.peer.send(std::string(60'000, 'x'));
      auto const frame = co_await read_frame(served.peer);
      REQUIRE(frame.has_value());
      CHECK(frame->close_code() == 1013);
      served.peer.close();
      co_await served.running.join();
    });
    CHECK(budget.used() == 0);
  }
}
