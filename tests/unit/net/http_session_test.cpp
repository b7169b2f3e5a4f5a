#include "net/http_session.hpp"

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
using test::echo;
using test::move_clock;
using test::on_shard;
using test::response_of;
using test::Talk;
using test::turn;

namespace {

bool contains(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

int status_of(std::string const& head) {
  return head.size() < 12 || !head.starts_with("HTTP/1.1 ") ? 0 : std::stoi(head.substr(9, 3));
}

std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view fields = {}) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

constexpr std::string_view head_end = "\r\n\r\n";

}  // namespace

TEST_SUITE("http session: requests in turn") {
  TEST_CASE("the connection stays for the next request, until the caller wants it closed") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send(get("/first"));
      std::string const first = co_await talk.peer.read_until("/first ");
      CHECK(status_of(first) == 200);
      CHECK(contains(first, "Content-Length: 7\r\n"));
      CHECK(contains(first, "Date: "));
      CHECK_FALSE(contains(first, "Connection:"));
      co_await talk.peer.send(get("/second", "Connection: close\r\n"));
      std::string const second = co_await talk.peer.read_to_end();
      CHECK(contains(second, "Connection: close\r\n"));
      CHECK(second.ends_with("/second "));
      CHECK(talk.peer.ended_in_order());
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("pipelined requests are answered one after the other, in their order") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send(post("/1", "one") + post("/2", "two") + get("/3", "Connection: close\r\n"));
      std::string const answers = co_await talk.peer.read_to_end();
      auto const first = answers.find("/1 one");
      auto const second = answers.find("/2 two");
      auto const third = answers.find("/3 ");
      CHECK(first < second);
      CHECK(second < third);
      CHECK(third != std::string::npos);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a request may come in single bytes") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      for (char const byte : post("/slow", "body"))
        co_await talk.peer.send_and_see_read(std::string(1, byte));
      std::string const answer = co_await talk.peer.read_until("/slow body");
      CHECK(status_of(answer) == 200);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a caller of HTTP/1.0 is kept only when it asks for it") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send("GET /stay HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      std::string const kept = co_await talk.peer.read_until("/stay ");
      CHECK(contains(kept, "Connection: keep-alive\r\n"));
      co_await talk.peer.send("GET /go HTTP/1.0\r\n\r\n");
      std::string const last = co_await talk.peer.read_to_end();
      CHECK(last.ends_with("/go "));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("an answer to HEAD has the length of the body and not the body") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      auto answer = [](HttpSession& session) -> Task<> {
        net::HttpResponse response = response_of(200, "twelve bytes");
        co_await session.respond(std::move(response));
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send("HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "Content-Length: 12\r\n"));
      CHECK(all.ends_with(head_end));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("204 has neither body nor length") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      auto answer = [](HttpSession& session) -> Task<> {
        net::HttpResponse response = response_of(204, {});
        co_await session.respond(std::move(response));
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send(get("/", "Connection: close\r\n"));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(status_of(all) == 204);
      CHECK_FALSE(contains(all, "Content-Length"));
      CHECK(all.ends_with(head_end));
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("a request whose body nobody read ends the connection after its answer") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      auto answer = [](HttpSession& session) -> Task<> {
        net::HttpResponse response = response_of(200, "done");
        co_await session.respond(std::move(response));
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send(post("/", "unread") + get("/must-not-be-read-as-a-request"));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(contains(all, "Connection: close\r\n"));
      CHECK(all.ends_with("done"));
      CHECK(all.find("HTTP/1.1", 1) == std::string::npos);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("what leaves the handler leaves run, when the socket is closed") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      auto answer = [](HttpSession&) -> Task<> {
        throw std::runtime_error("a bug");
        co_return;
      };
      Talk talk(bench, settings, answer);
      co_await talk.peer.send(get("/"));
      std::string const all = co_await talk.peer.read_to_end();
      CHECK(all.empty());
      co_await talk.running.join();
      CHECK(talk.running.failed());
    });
  }

  TEST_CASE("a socket on which nothing can be waited for ends the session at once") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      net::Socket closed(bench.shard.strand());
      HttpSession session(bench.shard, std::move(closed), settings, {},
                          std::make_unique<test::ScriptedHandler>(&echo));
      test::Beside running(bench.shard, session.run());
      for (int i = 0; i < 20 && !running.over(); ++i) co_await test::turn(bench.shard);
      CHECK(running.over());
      session.stop();
      co_await move_clock(bench, settings.idle_timeout);
      co_await running.join();
    });
  }
}

TEST_SUITE("http session: limits and deadlines") {
  TEST_CASE("a head over its limit is 431, and what is no request 400") {
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
      for (std::string const request :
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

TEST_SUITE("http session: 100-continue") {
  constexpr std::string_view expecting = "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";

  TEST_CASE("is sent when the handler wants the body, and only then") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send("POST /a HTTP/1.1\r\nHost: test\r\n" + std::string(expecting));
      std::string const go_on = co_await talk.peer.read_until(std::string(head_end));
      CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
      co_await talk.peer.send("body");
      std::string const answer = co_await talk.peer.read_until("/a body");
      CHECK(status_of(answer) == 200);
      talk.peer.close();
      co_await talk.running.join();

      auto refuse = [](HttpSession& session) -> Task<> {
        net::HttpResponse response = response_of(401, {});
        co_await session.respond(std::move(response));
      };
      Talk refused(bench, settings, refuse);
      co_await refused.peer.send("POST /a HTTP/1.1\r\nHost: test\r\n" + std::string(expecting));
      std::string const refusal = co_await refused.peer.read_to_end();
      CHECK(status_of(refusal) == 401);
      refused.peer.close();
      co_await refused.running.join();
    });
  }

  TEST_CASE("is not sent when the body is there already") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send("POST /a HTTP/1.1\r\nHost: test\r\n" + std::string(expecting) + "body");
      std::string const answer = co_await talk.peer.read_until("/a body");
      CHECK(status_of(answer) == 200);
      talk.peer.close();
      co_await talk.running.join();
    });
  }

  TEST_CASE("is not sent to a caller of HTTP/1.0, which does not know it (RFC 9110, 10.1.1)") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send_and_see_read("POST /a HTTP/1.0\r\n" + std::string(expecting));
      co_await talk.peer.send("body");
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(status_of(answer) == 200);
      CHECK(answer.ends_with("/a body"));
      talk.peer.close();
      co_await talk.running.join();
    });
  }
}
