#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <tuple>

#include "unit/net/talk.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using net::HttpSession;
using net::HttpSettings;
using test::Bench;
using test::Beside;
using test::contains;
using test::get;
using test::move_clock;
using test::on_shard;
using test::response_of;
using test::status_of;
using test::Talk;

namespace {

/// Answers soon, with the request's target.
Task<> echo_soon(HttpSession& session) {
  std::string const body = "<" + session.head().target + ">";
  bool const taken = session.respond_soon(response_of(200, {}), body);
  CHECK(taken);
  co_return;
}

/// So many that the kernel does not take all of them at once.
constexpr int many = 3000;
std::string const filling(4000, 'x');

Task<> answer_at_length(HttpSession& session) {
  bool const taken = session.respond_soon(response_of(200, {}), session.head().target + filling);
  CHECK(taken);
  co_return;
}

std::string many_requests() {
  std::string all;
  for (int i = 0; i < many; ++i) all += get("/" + std::to_string(i) + "/");
  return all;
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

  TEST_CASE("have no body where none is allowed, and are refused when they are not small") {
    Bench bench;
    HttpSettings const settings;
    auto const answer = [](HttpSession& session) -> Task<> {
      CHECK_FALSE(session.respond_soon(response_of(200, {}), std::string(64 * 1024, 'x')));
      CHECK(session.respond_soon(response_of(session.head().target == "/204" ? 204 : 200, {}), "body"));
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

  TEST_CASE("are written before the end of the caller's side is taken for its leaving") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      bool const sent = co_await talk.peer.send(get("/last"));
      CHECK(sent);
      talk.peer.shut();
      std::string const answer = co_await talk.peer.read_until(">");
      CHECK(answer.ends_with("</last>"));
      co_await talk.running.join();
    });
  }

  TEST_CASE("to who is gone are dropped, and the session ends") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo_soon);
      bool const sent = co_await talk.peer.send(get("/1"));
      CHECK(sent);
      talk.peer.close();
      co_await talk.running.join();
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
