#include <doctest/doctest.h>

#include <string>

#include "unit/net/tls_pair.hpp"
#include "unit/net/websocket_bench.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using core::MessageKind;
using net::ConnectionSettings;
using net::WebSocketConnection;
using proto::CloseCode;
using test::Bench;
using test::Beside;
using test::message_of;
using test::on_shard;
using test::until;

namespace {

/// Reads the answer to the upgrade as the dialer does: what else came stays in the stream, decrypted or not.
Task<core::Buffer> behind_upgrade(net::Stream& stream) {
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos) {
    char letter = 0;
    async::error_code error;
    std::size_t const count = stream.read_some({&letter, 1}, error);
    text.append(&letter, count);
    if (error) {
      auto const [waited] = co_await stream.wait_readable(async::use_task);
      if (waited) throw std::runtime_error(waited.message());
    }
  }
  co_return core::Buffer();
}

}  // namespace

TEST_SUITE("websocket connection over TLS") {
  TEST_CASE("messages of any size go both ways, with pings between, and both sides close in order") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      test::TlsPair pair(bench.shard);
      co_await pair.secured();
      ConnectionSettings const settings;
      test::Listening server_heard, client_heard;
      WebSocketConnection server(bench.shard, std::move(pair.here), proto::ConnectionId{1}, settings,
                                 server_heard);
      std::string fault;
      REQUIRE(server.accept(test::upgrade_request(), 64 << 20, fault));
      // They come with the answer to the upgrade, in one record.
      server.send(message_of("first"));
      server.send(message_of("second"));
      Beside server_running(bench.shard, server.run({}));
      auto rest = co_await behind_upgrade(pair.there);
      WebSocketConnection client(bench.shard, std::move(pair.there), proto::ConnectionId{2}, settings,
                                 client_heard);
      client.open_as_client(64 << 20);
      Beside client_running(bench.shard, client.run(std::move(rest)));
      co_await until(bench.shard, [&] { return client_heard.texts.size() == 2; });
      CHECK(client_heard.texts == std::vector<std::string>{"first", "second"});

      std::string const big(5'000'000, 'b');
      client.send(message_of(big, MessageKind::binary));
      server.send(message_of(big));
      for (int i = 0; i < 100; ++i) client.send(message_of(std::to_string(i)));
      co_await test::move_clock(bench, settings.ping_interval);
      co_await until(bench.shard,
                     [&] { return server_heard.texts.size() == 101 && client_heard.texts.size() == 3; });
      CHECK((server_heard.texts.front() == big));
      CHECK(server_heard.texts.back() == "99");
      CHECK((client_heard.texts.back() == big));
      co_await until(bench.shard, [&] {
        return client.traffic().round_trip.has_value() && server.traffic().round_trip.has_value();
      });

      auto const number = client.send(message_of("the last one"));
      co_await until(bench.shard, [&] { return server_heard.texts.size() == 102; });
      // The kernel acknowledges when it likes.
      co_await until(bench.shard, [&] { return client.delivery(number) == proto::Delivery::sent; });
      client.close(CloseCode::normal, "done");
      co_await client_running.join();
      co_await server_running.join();
      CHECK(server.close_code() == 1000);
      CHECK(client.close_code() == 1000);
      CHECK((server_heard.left == 1 && client_heard.left == 1));
    });
  }

  TEST_CASE("a peer that does not read is felt, and what was queued arrives when it reads again") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      test::TlsPair pair(bench.shard);
      co_await pair.secured();
      ConnectionSettings const settings;
      test::Listening server_heard, client_heard;
      WebSocketConnection server(bench.shard, std::move(pair.here), proto::ConnectionId{1}, settings,
                                 server_heard);
      std::string fault;
      REQUIRE(server.accept(test::upgrade_request(), 64 << 20, fault));
      Beside server_running(bench.shard, server.run({}));
      std::string const big(test::too_much, 'b');
      server.send(message_of(big));
      co_await test::settle(bench, server);
      CHECK(server.traffic().bytes_out < big.size());
      server.send(message_of("behind"));
      co_await test::settle(bench, server);

      auto rest = co_await behind_upgrade(pair.there);
      WebSocketConnection client(bench.shard, std::move(pair.there), proto::ConnectionId{2}, settings,
                                 client_heard);
      client.open_as_client(64 << 20);
      Beside client_running(bench.shard, client.run(std::move(rest)));
      co_await until(bench.shard, [&] { return client_heard.texts.size() == 2; });
      CHECK((client_heard.texts.front() == big));
      CHECK(client_heard.texts.back() == "behind");
      server.abort();
      co_await server_running.join();
      co_await client_running.join();
      CHECK(client.close_code() == 1006);
    });
  }
}
