#include "net/stream.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "unit/net/tls_pair.hpp"

using namespace reachback;
using async::Task;
using net::Socket;
using net::Stream;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::TcpPair;
using test::TlsPair;

namespace {

bool blocks(async::error_code const& error) { return error == net::asio::error::would_block; }

Task<> write_all(Stream& stream, std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    async::error_code error;
    rest.remove_prefix(stream.write_some(rest, error));
    if (error && !blocks(error)) throw std::runtime_error(error.message());
    if (!error) continue;
    // A new place for the same bytes, as a buffer that grew would have.
    std::string moved(rest);
    moved.swap(text);
    rest = text;
    auto const [waited] = co_await stream.wait_writable(async::use_task);
    if (waited) throw std::runtime_error(waited.message());
  }
}

/// What comes until there are `size` bytes or the stream ends, in reads of up to `room` bytes.
struct Read {
  std::string text;
  async::error_code end;
};

Task<Read> read_all(Stream& stream, std::size_t size, std::size_t room) {
  Read read;
  std::vector<char> buffer(room);
  while (read.text.size() < size) {
    async::error_code error;
    std::size_t const count = stream.read_some(buffer, error);
    read.text.append(buffer.data(), count);
    if (blocks(error)) {
      auto const [waited] = co_await stream.wait_readable(async::use_task);
      error = waited;
    }
    if (error) {
      read.end = error;
      break;
    }
  }
  co_return read;
}

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

constexpr std::size_t much = 3 << 20;

}  // namespace

TEST_SUITE("stream") {
  TEST_CASE("plain: reads, writes and blocks as the socket does, and holds nothing back") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TcpPair pair(bench.shard);
      Stream here(std::move(pair.here));
      Stream there(std::move(pair.there));
      net::tune(here.socket());
      net::tune(there.socket());
      std::vector<char> room(100);
      async::error_code error;
      CHECK(there.read_some(room, error) == 0);
      CHECK(blocks(error));
      CHECK(here.write_some("hello", error) == 5);
      auto const read = co_await read_all(there, 5, 2);
      CHECK(read.text == "hello");
      CHECK_FALSE(there.holds_input());
      CHECK_FALSE(here.end_output());
      auto const last = co_await read_all(there, 1, 100);
      CHECK(last.end == net::asio::error::eof);
    });
  }

  TEST_CASE("TLS: much goes both ways at once through narrow sockets, unchanged") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      std::string const text = noise(much);
      Beside from_here(bench.shard, write_all(pair.here, text));
      Beside from_there(bench.shard, write_all(pair.there, text));
      Read back;
      auto const read_there = [&]() -> Task<> { back = co_await read_all(pair.there, much, 64 * 1024); };
      Beside reading(bench.shard, read_there());
      auto const read = co_await read_all(pair.here, much, 10'000);
      co_await reading.join();
      CHECK((read.text == text));
      CHECK((back.text == text));
      CHECK_FALSE((from_here.failed() || from_there.failed() || reading.failed()));
    });
  }

  TEST_CASE("TLS: bytes in several places arrive in their order, also where the socket takes few of them") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      std::string const text = noise(much);
      auto const write_pieces = [&]() -> Task<> {
        std::string_view rest = text;
        while (!rest.empty()) {
          // Of a small and a big one, and none between: as a chunk with its length.
          std::size_t const small = std::min<std::size_t>(rest.size(), 5);
          std::array const pieces{rest.substr(0, small), std::string_view(), rest.substr(small, 40'000),
                                  rest.substr(std::min(rest.size(), small + 40'000))};
          async::error_code error;
          rest.remove_prefix(pair.here.write_some(pieces, error));
          if (!error) continue;
          REQUIRE(blocks(error));
          auto const [waited] = co_await pair.here.wait_writable(async::use_task);
          REQUIRE_FALSE(waited);
        }
      };
      Beside writing(bench.shard, write_pieces());
      auto const read = co_await read_all(pair.there, much, 64 * 1024);
      co_await writing.join();
      CHECK_FALSE(writing.failed());
      CHECK((read.text == text));
    });
  }

  TEST_CASE("TLS: the peer never has more than was told to be written, however tries grow when one blocks") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      std::string const text = noise(much);
      std::size_t told = 0, got = 0, blocked = 0, offered = 3616;
      std::vector<char> room(5'000);
      while (told < much) {
        async::error_code error;
        told += pair.here.write_some(std::string_view(text).substr(told, offered), error);
        REQUIRE((!error || blocks(error)));
        offered = blocks(error) ? 40'000 : 3616;
        if (!blocks(error)) continue;
        ++blocked;
        got += pair.there.read_some(room, error);
        REQUIRE(got <= told);
      }
      CHECK(blocked > 10);
    });
  }

  TEST_CASE("TLS: moves with the bytes that it holds") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      async::error_code error;
      CHECK(pair.there.write_some("first second", error) == 12);
      auto const first = co_await read_all(pair.here, 6, 6);
      CHECK(first.text == "first ");
      CHECK(pair.here.holds_input());
      net::LooseStream loose(std::move(pair.here));
      Stream moved = std::move(loose).attach(bench.shard);
      CHECK(moved.secured());
      CHECK(moved.holds_input());
      auto const second = co_await read_all(moved, 6, 100);
      CHECK(second.text == "second");
      CHECK(moved.write_some("back", error) == 4);
      auto const back = co_await read_all(pair.there, 4, 100);
      CHECK(back.text == "back");
    });
  }

  TEST_CASE("TLS: goes on through a change of keys that the peer asks for") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      std::string const text = noise(much);
      for (int round = 0; round < 2; ++round) {
        REQUIRE(SSL_key_update(pair.server_ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        Beside from_here(bench.shard, write_all(pair.here, text));
        auto const read = co_await read_all(pair.there, much, 64 * 1024);
        Beside from_there(bench.shard, write_all(pair.there, text));
        auto const back = co_await read_all(pair.here, much, 64 * 1024);
        CHECK((read.text == text));
        CHECK((back.text == text));
      }
    });
  }

  TEST_CASE("TLS: says that it holds input that no wait would announce, until all of it is read") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      auto const nothing = co_await read_all(pair.there, 0, 1);
      CHECK(nothing.text.empty());
      co_await write_all(pair.here, noise(5000));
      co_await write_all(pair.here, noise(5000));
      std::vector<char> room(3000);
      std::size_t count = 0;
      async::error_code error;
      do {
        auto const [waited] = co_await pair.there.wait_readable(async::use_task);
        REQUIRE_FALSE(waited);
        count = pair.there.read_some(room, error);
      } while (count == 0);
      // The kernel has nothing more: a wait would not end.
      CHECK(pair.there.socket().available() == 0);
      while (count < 10'000) {
        CHECK(pair.there.holds_input());
        std::size_t const more = pair.there.read_some(room, error);
        REQUIRE(more != 0);
        count += more;
      }
      CHECK_FALSE(pair.there.holds_input());
      CHECK(pair.there.read_some(room, error) == 0);
      CHECK(blocks(error));
      CHECK_FALSE(pair.there.holds_input());
    });
  }

  TEST_CASE("TLS: a step in one direction may wait for the other") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TcpPair tcp(bench.shard);
      test::TlsContexts const contexts;
      net::tune(tcp.here);
      net::TlsSession session(contexts.client());
      session.attach(tcp.here.native_handle());
      async::error_code error;
      SUBCASE("writing waits for the peer's part of the handshake") {
        CHECK(session.write_some("hello", error) == 0);
        CHECK(blocks(error));
        CHECK(session.write_wait() == Socket::wait_read);
        CHECK(session.read_wait() == Socket::wait_read);
      }
      SUBCASE("reading waits for room for our part of it") {
        std::string const stuffing(1 << 20, 'x');
        while (!error) tcp.here.write_some(net::asio::buffer(stuffing), error);
        std::vector<char> room(100);
        CHECK(session.read_some(room, error) == 0);
        CHECK(blocks(error));
        CHECK(session.read_wait() == Socket::wait_write);
        CHECK(session.write_wait() == Socket::wait_write);
      }
      co_return;
    });
  }

  TEST_CASE("TLS: an announced end is an end, and what came before it is read; a cut is an error") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      co_await write_all(pair.here, "last words");
      SUBCASE("announced") {
        CHECK_FALSE(pair.here.end_output());
        auto const read = co_await read_all(pair.there, 100, 100);
        CHECK(read.text == "last words");
        CHECK(read.end == net::asio::error::eof);
        // The other direction is still open.
        co_await write_all(pair.there, "answer");
        auto const answer = co_await read_all(pair.here, 6, 100);
        CHECK(answer.text == "answer");
      }
      SUBCASE("cut") {
        pair.here.close();
        auto const read = co_await read_all(pair.there, 100, 100);
        CHECK(read.text == "last words");
        CHECK(read.end);
        CHECK(read.end != net::asio::error::eof);
      }
    });
  }

  TEST_CASE("TLS: the end is announced when there is room again") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      co_await pair.secured();
      async::error_code error;
      std::string const text = noise(much);
      std::size_t sent = 0;
      while (!error) sent += pair.here.write_some(std::string_view(text).substr(sent), error);
      REQUIRE(blocks(error));
      // What stands in the way is taken back, so that the socket is full but nothing of a record is left
      // over.
      auto const writing = [&]() -> Task<> { co_await write_all(pair.here, text.substr(sent)); };
      Beside rest(bench.shard, writing());
      auto const read = co_await read_all(pair.there, much, 64 * 1024);
      co_await rest.join();
      CHECK((read.text == text));
      CHECK_FALSE(pair.here.end_output());
      auto const last = co_await read_all(pair.there, 1, 100);
      CHECK(last.end == net::asio::error::eof);
    });
  }

  TEST_CASE("TLS: whoever answers something else is refused in plain words") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TcpPair tcp(bench.shard);
      test::TlsContexts const contexts;
      test::Peer peer(bench.shard, std::move(tcp.there), tcp.here.native_handle());
      Stream stream(std::move(tcp.here));
      net::tune(stream.socket());
      stream.secure(std::make_unique<net::TlsSession>(contexts.client()));
      SUBCASE("HTTP") {
        co_await peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        auto const error = co_await stream.handshake();
        CHECK(error.message() == "what answers does not speak TLS");
      }
      SUBCASE("nothing") {
        peer.shut();
        auto const error = co_await stream.handshake();
        CHECK(error.message() == "the connection was cut off");
      }
    });
  }

  TEST_CASE("closing ends a handshake that waits, and nothing is written to a socket that was closed") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      TlsPair pair(bench.shard);
      async::error_code outcome;
      auto const handshake = [&]() -> Task<> { outcome = co_await pair.there.handshake(); };
      Beside running(bench.shard, handshake());
      co_await test::turn(bench.shard);
      CHECK_FALSE(running.over());
      pair.there.close();
      co_await running.join();
      CHECK(outcome == net::asio::error::operation_aborted);
      async::error_code error;
      pair.there.write_some("x", error);
      CHECK(error);
      CHECK_FALSE(blocks(error));
    });
  }
}
