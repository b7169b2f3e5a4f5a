#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "unit/net/talk.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using async::Task;
using net::HttpSession;
using net::HttpSettings;
using test::Bench;
using test::contains;
using test::echo;
using test::get;
using test::move_clock;
using test::on_shard;
using test::post;
using test::response_of;
using test::status_of;
using test::Talk;
using test::turn;

TEST_SUITE("http session: limits and deadlines") {
  TEST_CASE("a head over its limit is 431, its first line alone 414, and what is no request 400") {
    Bench bench;
    HttpSettings settings;
    settings.limits.head = 1024;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk big(bench, settings, &echo);
      co_await big.peer.send(get("/", "X: " + std::string(2000, 'x') + "\r\n"));
      std::string const refused = co_await big.peer.read_to_end();
      CHECK(status_of(refused) == 431);
      CHECK(contains(refused, "Connection: close\r\n"));
      big.peer.close();
      co_await big.running.join();

      Talk target(bench, settings, &echo);
      co_await target.peer.send("GET /" + std::string(2000, 'x'));
      std::string const too_long = co_await target.peer.read_to_end();
      CHECK(status_of(too_long) == 414);
      target.peer.close();
      co_await target.running.join();

      Talk garbage(bench, settings, &echo);
      co_await garbage.peer.send("this is no HTTP\r\n\r\n");
      std::string const answer = co_await garbage.peer.read_to_end();
      CHECK(status_of(answer) == 400);
      garbage.peer.close();
      co_await garbage.running.join();
    });
  }

  TEST_CASE("a body over its limit is 413, announced or chunked") {
    Bench bench;
    HttpSettings settings;
    settings.limits.body = 10;
    on_shard(bench.shard, [&]() -> Task<> {
      for (std::string const& request :
           {post("/", "eleven byte"), std::string("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: "
                                                  "chunked\r\n\r\nb\r\neleven byte\r\n0\r\n\r\n")}) {
        Talk talk(bench, settings, &echo);
        co_await talk.peer.send(request);
        std::string const all = co_await talk.peer.read_to_end();
        CHECK(status_of(all) == 413);
        talk.peer.close();
        co_await talk.running.join();
      }
    });
  }

  TEST_CASE("a connection that says nothing is closed after the idle time, without a word") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await move_clock(bench, settings.idle_timeout - 1ms);
      co_await test::turn(bench.shard);
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, 1ms);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.empty());
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("an empty line behind a body begins no request: the connection stays as idle as it was") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send_and_see_read("\r\n");
      co_await move_clock(bench, settings.idle_timeout - 1ms);
      co_await test::turn(bench.shard);
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, 1ms);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.empty());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a head that has begun has its own time, and is 408 after it") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await move_clock(bench, settings.idle_timeout - 1s);
      co_await talk.peer.send_and_see_read("GET / HT");
      co_await move_clock(bench, settings.head_timeout - 1ms);
      // More of it does not prolong its time.
      co_await talk.peer.send_and_see_read("TP/1.1\r\n");
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, 1ms);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 408);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a body has its time anew with every piece, and is 408 when none comes") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send_and_see_read("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n1");
      for (int i = 0; i < 3; ++i) {
        co_await move_clock(bench, settings.body_timeout - 1ms);
        co_await talk.peer.send_and_see_read("x");
      }
      CHECK_FALSE(talk.running.over());
      co_await move_clock(bench, settings.body_timeout);
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 408);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a body that ends in the middle is a bad request to the handler") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      std::optional<proto::Problem> problem;
      auto answer = [&](HttpSession& session) -> Task<> {
        auto const body = co_await session.read_body();
        if (!body) problem = body.error().problem;
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n1234");
      talk.peer.close();
      co_await talk.running.join();
      CHECK(problem == proto::Problem::bad_request);
    });
  }

  TEST_CASE("bodies share a budget: one over it is refused, and all is given back") {
    Bench bench;
    core::Budget budget(256 * 1024);
    HttpSettings settings;
    settings.body_budget = &budget;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send_and_see_read(
          "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n");
      co_await talk.peer.send(std::string(1'000'000, 'x'));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 503);
      talk.peer.close();
      co_await talk.running.join();
      CHECK(budget.used() == 0);

      Talk small(bench, settings, &echo);
      co_await small.peer.send(post("/", std::string(200'000, 'x'), "Connection: close\r\n"));
      std::string const answer = co_await small.peer.read_to_end();
      CHECK(status_of(answer) == 200);
      small.peer.close();
      co_await small.running.join();
      CHECK(budget.used() == 0);
    });
  }

  TEST_CASE("a body on its way leaves less of the budget for others, one that was handed on leaves all") {
    Bench bench;
    core::Budget budget(256 * 1024);
    HttpSettings settings;
    settings.body_budget = &budget;
    on_shard(bench.shard, [&]() -> Task<> {
      std::string const announced = post("/", std::string(150'000, 'x'), "Connection: close\r\n");
      std::size_t used_behind_hand_on = 1;
      auto hand_on = [&](HttpSession& session) -> Task<> {
        auto const body = co_await session.read_body();
        CHECK(body.has_value());
        CHECK(budget.used() != 0);
        session.body_handed_on();
        used_behind_hand_on = budget.used();
        net::HttpResponse response = response_of(200, {});
        co_await session.respond(std::move(response));
      };
      Talk half(bench, settings, hand_on);
      co_await half.peer.send_and_see_read(announced.substr(0, 140'000));
      CHECK(budget.used() == 192 * 1024);

      Talk other(bench, settings, &echo);
      co_await other.peer.send(announced);
      std::string const refused = co_await other.peer.read_to_end();
      CHECK(status_of(refused) == 503);
      other.peer.close();
      co_await other.running.join();

      co_await half.peer.send(announced.substr(140'000));
      std::string const answer = co_await half.peer.read_to_end();
      CHECK(status_of(answer) == 200);
      CHECK(used_behind_hand_on == 0);
      half.peer.close();
      co_await half.running.join();
    });
  }

  TEST_CASE("a caller that reads no answer is given up after the writing time") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      std::optional<bool> written;
      auto answer = [&](HttpSession& session) -> Task<> {
        net::HttpResponse head;
        std::string const body(64 << 20, 'x');
        bool const all = co_await session.respond(std::move(head), body);
        written = all;
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send_and_see_read(get("/"));
      // Each piece that the kernel still takes gives it the whole time anew.
      for (int i = 0; i < 10 && !talk.running.over(); ++i) {
        CHECK_FALSE(written.has_value());
        co_await move_clock(bench, settings.write_timeout);
        co_await turn(bench.shard);
      }
      co_await talk.running.join();
      CHECK(written == false);
    });
  }
}
