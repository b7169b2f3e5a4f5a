#include <doctest/doctest.h>

#include <string>

#include "unit/net/websocket_bench.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using core::MessageNumber;
using net::ConnectionSettings;
using net::WebSocketConnection;
using proto::CloseCode;
using test::Bench;
using test::leave;
using test::message_of;
using test::move_clock;
using test::on_shard;
using test::Opcode;
using test::read_frame;
using test::Served;
using test::settle;
using test::too_much;

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
