#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "net/http_session.hpp"
#include "unit/net/talk.hpp"
#include "unit/net/tls_pair.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using net::HttpSession;
using net::HttpSettings;
using test::Bench;
using test::Beside;
using test::echo;
using test::get;
using test::move_clock;
using test::on_shard;
using test::Peer;
using test::ScriptedHandler;
using test::status_of;
using test::TcpPair;
using test::turn;

namespace {

/// A session that waits for a handshake, and a peer that sends bytes as they are.
class UnsecuredTalk {
 public:
  UnsecuredTalk(Bench& bench, HttpSettings const& settings)
      : UnsecuredTalk(bench, settings, TcpPair(bench.shard)) {}

 private:
  test::TlsContexts const contexts_;

 public:
  Peer peer;
  HttpSession session;
  Beside running;

 private:
  UnsecuredTalk(Bench& bench, HttpSettings const& settings, TcpPair pair)
      : peer(bench.shard, std::move(pair.there), pair.here.native_handle()),
        session(bench.shard, secured(std::move(pair.here), contexts_.server()), settings, {},
                std::make_unique<ScriptedHandler>(&echo)),
        running(bench.shard, session.run()) {}

  static net::Stream secured(net::Socket socket, SSL* ssl) {
    net::Stream stream(std::move(socket));
    stream.secure(std::make_unique<net::TlsSession>(ssl));
    return stream;
  }
};

}  // namespace

TEST_SUITE("http session by TLS") {
  TEST_CASE("the handshake has the time of a head, however often a byte comes") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      UnsecuredTalk talk(bench, settings);
      co_await turn(bench.shard);
      std::string const hello("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03", 11);
      for (char const byte : hello.substr(0, 9)) {
        co_await talk.peer.send_and_see_read(std::string(1, byte));
        co_await move_clock(bench, 1s);
      }
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, settings.head_timeout - 9s + 1ms);
      co_await talk.running.join();
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(answer.empty());
      CHECK_FALSE(talk.running.failed());
    });
  }

  TEST_CASE("a handshake that is under way ends when the session is stopped") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      UnsecuredTalk talk(bench, settings);
      co_await turn(bench.shard);
      talk.session.stop();
      co_await talk.running.join();
      CHECK_FALSE(talk.running.failed());
    });
  }

  TEST_CASE("plain HTTP is answered plainly, and the session ends") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      UnsecuredTalk talk(bench, settings);
      co_await talk.peer.send(get("/"));
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(status_of(answer) == 400);
      CHECK(test::contains(answer, "Connection: close\r\n"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("what is no TLS ends the session at once, with an alert at most") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      UnsecuredTalk talk(bench, settings);
      co_await talk.peer.send(std::string(100, '\xff'));
      co_await talk.running.join();
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(answer.size() <= 7);
    });
  }
}
