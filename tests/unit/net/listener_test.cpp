#include "net/listener.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "unit/net/tcp_pair.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using net::Listener;
using test::Bench;
using test::Beside;
using test::move_clock;
using test::on_shard;
using test::turn;
using test::until;

namespace {

struct Guests final : net::AcceptSink {
  void on_accept(net::LooseSocket socket, net::asio::ip::address const& peer, core::Permit permit) override {
    sockets.push_back(std::move(socket));
    peers.push_back(peer);
    permits.push_back(std::move(permit));
  }
  void on_full() override { ++times_full; }
  void on_failure(net::error_code) override {}
  std::vector<net::LooseSocket> sockets;
  std::vector<net::asio::ip::address> peers;
  std::vector<core::Permit> permits;
  int times_full = 0;
};

net::Tcp::endpoint any_port() { return {net::asio::ip::address_v4::loopback(), 0}; }

net::Socket dial(async::Shard& shard, std::uint16_t port) {
  net::Socket socket(shard.strand());
  socket.connect({net::asio::ip::address_v4::loopback(), port});
  return socket;
}

}  // namespace

TEST_SUITE("listener") {
  TEST_CASE("hands over what it accepts, with the permit") {
    Bench bench;
    core::Budget connections(10);
    Guests guests;
    on_shard(bench.shard, [&]() -> Task<> {
      Listener listener(bench.shard, any_port(), connections, guests);
      CHECK(listener.port() != 0);
      Beside running(bench.shard, listener.run());
      auto caller = dial(bench.shard, listener.port());
      co_await until(bench.shard, [&] { return guests.sockets.size() == 1; });
      CHECK(guests.permits[0].amount() == 1);
      CHECK(guests.peers[0] == net::asio::ip::address_v4::loopback());
      auto accepted = std::move(guests.sockets[0]).attach(bench.shard);
      accepted.write_some(net::asio::buffer("hi", 2));
      char text[2];
      CHECK(net::asio::buffer_size(net::asio::buffer(text)) == caller.read_some(net::asio::buffer(text)));
      CHECK(std::string_view(text, 2) == "hi");
      listener.stop();
      co_await running.join();
      CHECK_FALSE(running.failed());
    });
  }

  TEST_CASE("accepts no more than there are permits; who is over it waits until one is given back") {
    Bench bench;
    core::Budget connections(2);
    Guests guests;
    on_shard(bench.shard, [&]() -> Task<> {
      Listener listener(bench.shard, any_port(), connections, guests);
      Beside running(bench.shard, listener.run());
      std::vector<net::Socket> callers;
      for (int i = 0; i < 3; ++i) callers.push_back(dial(bench.shard, listener.port()));
      co_await until(bench.shard, [&] { return guests.sockets.size() == 2; });
      for (int i = 0; i < 5; ++i) co_await move_clock(bench, 100ms);
      CHECK(guests.sockets.size() == 2);
      CHECK(connections.used() == 2);
      CHECK(guests.times_full == 1);
      guests.permits.pop_back();
      co_await move_clock(bench, 100ms);
      co_await until(bench.shard, [&] { return guests.sockets.size() == 3; });
      CHECK(connections.used() == 2);
      listener.stop();
      co_await running.join();
      CHECK_FALSE(running.failed());
    });
  }

  TEST_CASE("stop ends it while it accepts and while it backs off, and gives its permit back") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      for (std::size_t const limit : {1u, 0u}) {
        core::Budget connections(limit);
        Guests guests;
        Listener listener(bench.shard, any_port(), connections, guests);
        Beside running(bench.shard, listener.run());
        co_await turn(bench.shard);
        CHECK_FALSE(running.over());
        listener.stop();
        co_await running.join();
        CHECK_FALSE(running.failed());
        CHECK(connections.used() == 0);
      }
    });
  }

  TEST_CASE("a port in use is an exception") {
    Bench bench;
    core::Budget connections(1);
    Guests guests;
    Listener const first(bench.shard, any_port(), connections, guests);
    net::Tcp::endpoint const taken(net::asio::ip::address_v4::loopback(), first.port());
    CHECK_THROWS_AS(Listener(bench.shard, taken, connections, guests), boost::system::system_error);
  }
}

TEST_SUITE("loose socket") {
  TEST_CASE("goes from one shard to another and stays connected") {
    Bench bench;
    async::Shard other(1, bench.clock);
    on_shard(bench.shard, [&]() -> Task<> {
      test::TcpPair pair(bench.shard);
      net::LooseSocket loose(std::move(pair.here));
      net::LooseSocket moved(std::move(loose));
      auto socket = std::move(moved).attach(other);
      CHECK(socket.get_executor() == other.strand());
      socket.write_some(net::asio::buffer("x", 1));
      char byte = 0;
      pair.there.read_some(net::asio::buffer(&byte, 1));
      CHECK(byte == 'x');
      co_return;
    });
  }

  TEST_CASE("closes its socket when it dies") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      test::TcpPair pair(bench.shard);
      { net::LooseSocket const loose(std::move(pair.here)); }
      char byte = 0;
      async::error_code error;
      pair.there.read_some(net::asio::buffer(&byte, 1), error);
      CHECK(error == net::asio::error::eof);
      co_return;
    });
  }
}
