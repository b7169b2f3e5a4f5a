#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "unit/net/talk.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Signal;
using async::Task;
using net::HttpSession;
using net::HttpSettings;
using test::Bench;
using test::Beside;
using test::contains;
using test::get;
using test::move_clock;
using test::on_shard;
using test::Peer;
using test::response_of;
using test::ScriptedHandler;
using test::status_of;
using test::Talk;
using test::TcpPair;
using test::turn;
using test::until;

namespace {

/// Answers soon, with the request's target.
Task<> echo_soon(HttpSession& session) {
  std::string const body = "<" + session.head().target + ">";
  session.respond_soon(response_of(200, {}), body);
  co_return;
}

/// So many that the kernel does not take all of them at once.
constexpr int many = 3000;
std::string const filling(4000, 'x');

Task<> answer_at_length(HttpSession& session) {
  session.respond_soon(response_of(200, {}), session.head().target + filling);
  co_return;
}

std::string many_requests(int count = many) {
  std::string all;
  for (int i = 0; i < count; ++i) all += get("/" + std::to_string(i) + "/");
  return all;
}

/// A session that dies as soon as it ends, as the gateway's do.
Task<> own_session(Bench& bench, HttpSettings const& settings, net::Socket socket, test::Answer answer) {
  HttpSession session(bench.shard, std::move(socket), settings, {},
                      std::make_unique<ScriptedHandler>(std::move(answer)));
  co_await session.run();
}

}  // namespace

TEST_SUITE("http session: small answers") {
  TEST_CASE("are written whole, and the connection stays") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      for (auto const* target : {"/first", "/second", "/third"}) {
        co_await talk.peer.send(get(target));
        std::string const answer = co_await talk.peer.read_until(">");
        CHECK(status_of(answer) == 200);
        CHECK(answer.ends_with("\r\n\r\n<" + std::string(target) + ">"));
      }
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("have no body where none is allowed") {
    Bench bench;
    HttpSettings const settings;
    auto const answer = [](HttpSession& session) -> Task<> {
      session.respond_soon(response_of(session.head().target == "/204" ? 204 : 200, {}), "body");
      co_return;
    };
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, answer);
      co_await talk.peer.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n" + get("/204") +
                              get("/", "Connection: close\r\n"));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "Content-Length: 4\r\n\r\nHTTP/1.1 204"));
      CHECK(contains(all, "\r\n\r\nHTTP/1.1 200 OK\r\n"));
      CHECK(all.ends_with("Connection: close\r\nContent-Length: 4\r\n\r\nbody"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("to a caller of HTTP/1.0 come whole before the connection ends") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      co_await talk.peer.send("GET /old HTTP/1.0\r\n\r\n");
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "Content-Length: 6\r\n"));
      CHECK(all.ends_with("</old>"));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("wait in no way for what comes after them") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      co_await talk.peer.send(get("/whole") + "GET /par");
      std::string const whole = co_await talk.peer.read_until(">");
      CHECK(whole.ends_with("</whole>"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("to pipelined requests come in order, and none is lost when the connection then ends") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      co_await talk.peer.send(get("/1") + get("/2") + get("/3", "Connection: close\r\n"));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.find("</1>") < all.find("</2>"));
      CHECK(all.find("</2>") < all.find("</3>"));
      CHECK(all.ends_with("</3>"));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("that the kernel does not take at once are written whole when the caller reads") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &answer_at_length);
      bool sent = false;
      auto const send = [&]() -> Task<> { sent = co_await talk.peer.send(many_requests()); };
      Beside sending(bench.shard, send());
      for (int i = 0; i < many; ++i) {
        std::string const answer = co_await talk.peer.read_until(filling);
        REQUIRE(status_of(answer) == 200);
        REQUIRE(contains(answer, "\r\n\r\n/" + std::to_string(i) + "/xxx"));
      }
      co_await sending.join();
      CHECK(sent);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("that nobody reads end the session after the time for writing") {
    Bench bench;
    core::Refusals refusals;
    HttpSettings settings;
    settings.write_timeout = 5s;
    settings.head_timeout = settings.idle_timeout = 1h;
    settings.refusals = &refusals;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &answer_at_length);
      auto const send = [&]() -> Task<> { std::ignore = co_await talk.peer.send(many_requests()); };
      Beside sending(bench.shard, send());
      while (!talk.running.over()) co_await move_clock(bench, 1s);
      CHECK(refusals.of(core::Bound::write_timeout) == 1);
      talk.peer.close();
      co_await sending.join();
    });
  }

  // The end of the caller's side is found while the answer still waits for the end of the turn, and the
  // session dies before that: under AddressSanitizer this shows whoever still knows it.
  TEST_CASE("are written before the end of the caller's side is taken for its leaving") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      TcpPair pair(bench.shard);
      Peer peer(bench.shard, std::move(pair.there), pair.here.native_handle());
      Signal answer(bench.shard.strand());
      bool waits = false;
      auto const on_demand = [&](HttpSession& session) -> Task<> {
        session.on_hang_up([] {});
        waits = true;
        co_await answer.wait();
        session.respond_soon(response_of(200, {}), "<late>");
      };
      Beside running(bench.shard, own_session(bench, settings, std::move(pair.here), on_demand));
      bool const sent = co_await peer.send(get("/"));
      CHECK(sent);
      co_await until(bench.shard, [&] { return waits; });
      answer.notify();
      peer.shut();
      co_await running.join();
      CHECK_FALSE(running.failed());
      std::string const all = co_await peer.read_to_end();
      CHECK(all.ends_with("<late>"));
    });
  }

  TEST_CASE("to who is gone are dropped, and a request behind them is not carried out") {
    Bench bench;
    HttpSettings settings;
    settings.write_timeout = 5s;
    settings.head_timeout = settings.idle_timeout = 1h;
    int handled = 0, handled_alone = 0;
    on_shard(bench.shard, [&]() -> Task<> {
      TcpPair pair(bench.shard);
      pair.narrow();
      Peer peer(bench.shard, std::move(pair.there), pair.here.native_handle());
      auto const count = [&](HttpSession& session) -> Task<> {
        ++handled;
        return answer_at_length(session);
      };
      Beside running(bench.shard, own_session(bench, settings, std::move(pair.here), count));
      bool const sent = co_await peer.send(many_requests(500));
      CHECK(sent);
      for (int last = -1; last != handled;) {
        last = handled;
        co_await turn(bench.shard);
        co_await turn(bench.shard);
      }
      handled_alone = handled;
      REQUIRE(handled_alone < 500);
      co_await move_clock(bench, 6s);
      co_await running.join();
      CHECK_FALSE(running.failed());
    });
    CHECK(handled == handled_alone);
  }

  TEST_CASE("that take long do not use up the time for the next head") {
    Bench bench;
    HttpSettings settings;
    settings.write_timeout = 30s;
    settings.head_timeout = 5s;
    settings.idle_timeout = 1h;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &answer_at_length);
      int asked = 0;
      for (; !talk.session.began(); ++asked) {
        bool const sent = co_await talk.peer.send(get("/" + std::to_string(asked) + "/"));
        CHECK(sent);
        for (int i = 0; i < 4; ++i) co_await turn(bench.shard);
      }
      bool sent = co_await talk.peer.send("GET /next HTTP/1.1\r\n");
      CHECK(sent);
      for (int i = 0; i < 4; ++i) co_await turn(bench.shard);
      co_await move_clock(bench, 10s);
      for (int i = 0; i < asked; ++i) {
        std::string const answer = co_await talk.peer.read_until(filling);
        REQUIRE(contains(answer, "\r\n\r\n/" + std::to_string(i) + "/x"));
      }
      sent = co_await talk.peer.send("Host: test\r\nConnection: close\r\n\r\n");
      CHECK(sent);
      std::string const last = co_await talk.peer.read_to_end();
      CHECK(status_of(last) == 200);
      CHECK(contains(last, "/next"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("are what the end of the session waits for when it is drained, and no more when it is stopped") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const drained = [&](HttpSession& session) -> Task<> {
        session.respond_soon(response_of(200, {}), "<last>");
        CHECK(session.began());
        session.drain();
        co_return;
      };
      Talk talk(bench, settings, drained);
      bool sent = co_await talk.peer.send(get("/"));
      CHECK(sent);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.ends_with("<last>"));
      talk.peer.close();
      co_await talk.running.join();
      auto const stopped = [&](HttpSession& session) -> Task<> {
        session.respond_soon(response_of(200, {}), "<never>");
        session.stop();
        co_return;
      };
      Talk other(bench, settings, stopped);
      sent = co_await other.peer.send(get("/"));
      CHECK(sent);
      std::string const none = co_await other.peer.read_to_end();
      CHECK(none.empty());
      co_await other.running.join();
    });
  }
}

TEST_SUITE("http session: a handler's mistake") {
  TEST_CASE("ends the session, and who runs it is told") {
    Bench bench;
    HttpSettings const settings;
    auto const mistake = [](HttpSession&) -> Task<> { throw std::runtime_error("a mistake"); };
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, mistake);
      bool const sent = co_await talk.peer.send(get("/"));
      CHECK(sent);
      co_await talk.running.join();
      CHECK(talk.running.failed());
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(answer.empty());
    });
  }
}
