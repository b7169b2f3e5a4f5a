#include <doctest/doctest.h>

#include <string>

#include "async/signal.hpp"
#include "unit/net/talk.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Signal;
using async::Task;
using net::HttpSession;
using net::HttpSettings;
using test::Bench;
using test::contains;
using test::echo;
using test::get;
using test::move_clock;
using test::on_shard;
using test::Peer;
using test::response_of;
using test::status_of;
using test::Talk;
using test::turn;
using test::until;

namespace {

std::string const request = get("/");

/// A handler that waits until it is told to answer, or the caller hangs up.
struct Waiting {
  explicit Waiting(Bench& bench) : wake(bench.shard.strand()) {}

  test::Answer answer() {
    return [this](HttpSession& session) { return serve(session); };
  }
  Task<> serve(HttpSession& session) {
    ++begun;
    session.on_hang_up([this] {
      ++hung_up;
      wake.notify();
    });
    while (!go && hung_up == 0) co_await wake.wait();
    go = false;
    if (hung_up == 0) {
      net::HttpResponse response = response_of(200, "late");
      co_await session.respond(std::move(response));
    }
    ++ended;
  }
  void let_go() {
    go = true;
    wake.notify();
  }

  Signal wake;
  int begun = 0, hung_up = 0, ended = 0;
  bool go = false;
};

}  // namespace

TEST_SUITE("http session: a caller that hangs up") {
  void hang_up_by(void (*leave)(Peer&)) {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request);
      CHECK(waiting.begun == 1);
      CHECK(waiting.hung_up == 0);
      leave(talk.peer);
      co_await until(bench.shard, [&] { return waiting.ended == 1; });
      CHECK(waiting.hung_up == 1);
      co_await talk.running.join();
      CHECK(talk.session.hung_up());
    });
  }

  TEST_CASE("is noticed while its request is handled: close") {
    hang_up_by([](Peer& peer) { peer.close(); });
  }
  TEST_CASE("is noticed while its request is handled: half-close") {
    hang_up_by([](Peer& peer) { peer.shut(); });
  }
  TEST_CASE("is noticed while its request is handled: reset") {
    hang_up_by([](Peer& peer) { peer.reset(); });
  }

  TEST_CASE("is noticed behind a pipelined request") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request + request);
      talk.peer.close();
      co_await talk.running.join();
      CHECK(waiting.hung_up == 1);
      CHECK(waiting.begun == 1);
    });
  }

  TEST_CASE("is told at once to a handler that asks afterwards") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      int told = 0;
      auto answer = [&](HttpSession& session) -> Task<> {
        session.stop();
        session.on_hang_up([&] { ++told; });
        CHECK(told == 1);
        net::HttpResponse head;
        bool const begun = co_await session.begin(std::move(head));
        CHECK_FALSE(begun);
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send(request);
      co_await talk.running.join();
      CHECK(told == 1);
    });
  }

  TEST_CASE("after the answer is not told to the handler that has answered") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request);
      waiting.let_go();
      std::string const answer = co_await talk.peer.read_until("late");
      CHECK(answer.ends_with("late"));
      talk.peer.close();
      co_await talk.running.join();
      CHECK(waiting.hung_up == 0);
    });
  }

  TEST_CASE("input that comes while a request is handled is kept up to a bound, and served then") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request);
      co_await talk.peer.send_and_see_read(request);
      CHECK(waiting.begun == 1);
      waiting.let_go();
      co_await until(bench.shard, [&] { return waiting.begun == 2; });
      waiting.let_go();
      std::string const first = co_await talk.peer.read_until("late");
      std::string const second = co_await talk.peer.read_until("late");
      CHECK(contains(first, "200 OK"));
      CHECK(contains(second, "200 OK"));

      co_await talk.peer.send_and_see_read(request);
      CHECK(waiting.begun == 3);
      std::string const flood(1 << 20, 'x');
      std::size_t taken = 0;
      for (int idle = 0; idle < 100; ++idle) {
        std::size_t const count = talk.peer.send_some(flood);
        if (count != 0) idle = 0;
        taken += count;
        REQUIRE(taken < (64u << 20));  // more than any kernel buffers: the session reads without bound
        co_await turn(bench.shard);
      }
      CHECK(taken > settings.read_ahead);
      talk.session.stop();
      co_await talk.running.join();
    });
  }
}

TEST_SUITE("http session: its end") {
  TEST_CASE("drain closes a session at once that waits for its next request") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send_and_see_read(request);
      for (int i = 0; i < 10; ++i) co_await turn(bench.shard);
      talk.session.drain();
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 200);
      CHECK_FALSE(contains(all, "Connection: close"));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("drain lets who has just connected ask, and closes then") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await turn(bench.shard);
      talk.session.drain();
      co_await turn(bench.shard);
      co_await talk.peer.send(request);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 200);
      CHECK(contains(all, "Connection: close"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("drain lets a request under way be answered, with Connection: close") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request + request);
      talk.session.drain();
      co_await turn(bench.shard);
      CHECK(waiting.hung_up == 0);
      waiting.let_go();
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "Connection: close\r\n"));
      CHECK(all.ends_with("late"));
      CHECK(waiting.begun == 1);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("stop is a hang-up to the handler, and ends the session") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Waiting waiting(bench);
      Talk talk(bench, settings, waiting.answer());
      co_await talk.peer.send_and_see_read(request);
      talk.session.stop();
      talk.session.stop();
      co_await talk.running.join();
      CHECK(waiting.hung_up == 1);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.empty());
    });
  }

  TEST_CASE("stop ends a session that waits for a head, for a body and for a caller that does not read") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk idle(bench, settings, &echo);
      co_await turn(bench.shard);
      idle.session.stop();
      co_await idle.running.join();

      Talk in_body(bench, settings, &echo);
      co_await in_body.peer.send_and_see_read("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n1");
      in_body.session.stop();
      co_await in_body.running.join();

      auto big = [](HttpSession& session) -> Task<> {
        net::HttpResponse response = response_of(200, std::string(64 << 20, 'x'));
        bool const written = co_await session.respond(std::move(response));
        CHECK_FALSE(written);
      };
      Talk writing(bench, settings, big);
      co_await writing.peer.send_and_see_read(request);
      writing.session.stop();
      co_await writing.running.join();
    });
  }

  TEST_CASE("a caller that is refused in the middle of its body still gets the answer") {
    Bench bench;
    HttpSettings settings;
    settings.limits.body = 1000;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      std::string const body(8 << 20, 'x');
      co_await talk.peer.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 8388608\r\n\r\n");
      bool const sent = co_await talk.peer.send(body);
      CHECK(sent);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "413"));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a caller that never closes is waited for only so long") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
      co_await talk.peer.read_to_end();
      co_await turn(bench.shard);
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, settings.linger);
      co_await talk.running.join();
      CHECK(talk.running.over());
    });
  }

  TEST_CASE(
      "a session whose socket is taken gives up socket, input and permit, and ends without touching them") {
    Bench bench;
    core::Budget connections(1);
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      std::optional<HttpSession::Taken> taken;
      auto answer = [&](HttpSession& session) -> Task<> {
        session.on_hang_up([] {});
        auto all = co_await session.take();
        taken.emplace(std::move(all));
      };
      auto permit = connections.acquire(1);
      REQUIRE(permit.has_value());
      Talk talk(bench, settings, answer, std::move(*permit));
      co_await talk.peer.send(request + "behind the head");
      co_await talk.running.join();
      REQUIRE(taken.has_value());
      CHECK(taken->input.view() == "behind the head");
      CHECK(taken->remote_address.starts_with("127.0.0.1:"));
      CHECK(connections.used() == 1);
      auto stream = std::move(taken->stream).attach(bench.shard);
      net::error_code error;
      CHECK(stream.write_some("still open", error) == 10);
      std::string const text = co_await talk.peer.read(10);
      CHECK(text == "still open");
      taken.reset();
      CHECK(connections.used() == 0);
    });
  }
}
