#include <doctest/doctest.h>

#include <string>

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
using test::on_shard;
using test::Talk;
using test::turn;
using test::until;

namespace {

std::string const request = get("/");

Task<> stream_two(HttpSession& session) {
  net::HttpResponse head;
  head.content_type = "text/plain";
  bool written = co_await session.begin(std::move(head));
  if (written) written = co_await session.write("first", "-tail");
  if (written) written = co_await session.write("");
  if (written) written = co_await session.write("second");
  if (written) written = co_await session.finish();
  CHECK(written);
}

Task<> break_off(HttpSession& session) {
  net::HttpResponse head;
  bool written = co_await session.begin(std::move(head));
  if (written) written = co_await session.write("half");
  CHECK(written);
  CHECK(session.began());
  session.abort();
  bool const more = co_await session.write("never");
  CHECK_FALSE(more);
}

}  // namespace

TEST_SUITE("http session: streaming") {
  TEST_CASE("goes out in chunks, and the connection stays") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &stream_two);
      co_await talk.peer.send(request);
      std::string const head = co_await talk.peer.read_until("\r\n\r\n");
      CHECK(contains(head, "Transfer-Encoding: chunked\r\n"));
      std::string const body = co_await talk.peer.read_until("0\r\n\r\n");
      CHECK(body == "a\r\nfirst-tail\r\n6\r\nsecond\r\n0\r\n\r\n");
      co_await talk.peer.send(request);
      std::string const again = co_await talk.peer.read_until("0\r\n\r\n");
      CHECK(contains(again, "second"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("ends with the connection for a caller of HTTP/1.0") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &stream_two);
      co_await talk.peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      std::string const all = co_await talk.peer.read_to_end();
      CHECK_FALSE(contains(all, "Transfer-Encoding"));
      CHECK(contains(all, "Connection: close\r\n"));
      CHECK(all.ends_with("\r\n\r\nfirst-tailsecond"));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("has no body in an answer to HEAD") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &stream_two);
      co_await talk.peer.send("HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.ends_with("\r\n\r\n"));
      CHECK_FALSE(contains(all, "first"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("that is broken off lacks its last chunk") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &break_off);
      co_await talk.peer.send(request);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "4\r\nhalf\r\n"));
      CHECK_FALSE(contains(all, "never"));
      CHECK_FALSE(all.ends_with("0\r\n\r\n"));
      co_await talk.running.join();
    });
  }

  TEST_CASE(
      "that is broken off is a reset to a caller of HTTP/1.0, for whom an end would be the end of the body") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &break_off);
      co_await talk.peer.send("GET / HTTP/1.0\r\n\r\n");
      co_await talk.peer.read_to_end();
      CHECK(talk.peer.end() == net::asio::error::connection_reset);
      co_await talk.running.join();
    });
  }

  TEST_CASE("what a caller takes is a backlog while it is written, what a caller lets stand is none") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      constexpr std::size_t size = 16 << 20;
      Talk talk(bench, settings, [](HttpSession& session) -> Task<> {
        co_await session.respond(test::response_of(200, std::string(size, 'x')));
      });
      co_await talk.peer.send(request);
      // Longer than it takes to fill the kernel's buffers.
      for (int i = 0; i < 1000; ++i) co_await turn(bench.shard);
      CHECK_FALSE(bench.shard.has_backlog());
      std::size_t taken = 0;
      auto const take = [&]() -> Task<> { taken = (co_await talk.peer.read(size)).size(); };
      Beside taking(bench.shard, take());
      bool seen = false;
      co_await until(bench.shard,
                     [&] { return (seen = seen || bench.shard.has_backlog()) || taking.over(); });
      CHECK(seen);
      co_await taking.join();
      CHECK(taken == size);
      CHECK_FALSE(bench.shard.has_backlog());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("is written in smaller turns where others have something to send") {
    static constexpr std::size_t size = 16 << 20;
    auto const turns_taken = [](bool others_send) {
      Bench bench;
      HttpSettings const settings;
      test::Page page([] {});
      int turns = 0;
      on_shard(bench.shard, [&]() -> Task<> {
        Talk talk(bench, settings, [](HttpSession& session) -> Task<> {
          co_await session.respond(test::response_of(200, std::string(size, 'x')));
        });
        co_await talk.peer.send(request);
        auto const take = [&]() -> Task<> {
          std::string const body = co_await talk.peer.read(size);
          CHECK(body.size() == size);
        };
        Beside taking(bench.shard, take());
        while (!taking.over()) {
          co_await bench.shard.yield();
          if (bench.shard.has_backlog()) ++turns;
          if (others_send) async::asio::post(bench.shard.strand(), [&] { bench.shard.flush_later(page); });
        }
        talk.peer.close();
        co_await talk.running.join();
      });
      return turns;
    };
    CHECK(turns_taken(true) >= 2 * turns_taken(false));
  }
}
