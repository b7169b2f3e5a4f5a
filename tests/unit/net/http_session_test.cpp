#include "net/http_session.hpp"

#include <doctest/doctest.h>

#include <array>
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

  TEST_CASE("a request names exactly one host, and HTTP/1.0 may name none") {
    Bench bench;
    HttpSettings const settings;
    struct Asked {
      std::string_view version, hosts;
      int status;
    };
    constexpr std::array asked{Asked{"1.1", "Host: one\r\n", 200},
                               Asked{"1.1", "", 400},
                               Asked{"1.1", "Host: one\r\nHost: two\r\n", 400},
                               Asked{"1.1", "Host: one\r\nhost: one\r\n", 400},
                               Asked{"1.1", "Host: one two\r\n", 400},
                               Asked{"1.0", "", 200},
                               Asked{"1.0", "Host: one\r\n", 200},
                               Asked{"1.0", "Host: one\r\nHost: two\r\n", 400}};
    on_shard(bench.shard, [&]() -> Task<> {
      for (auto const& [version, hosts, status] : asked) {
        CAPTURE(version);
        CAPTURE(hosts);
        Talk talk(bench, settings, &echo);
        std::string request = "GET /asked HTTP/";
        request.append(version).append("\r\n").append(hosts).append("Connection: close\r\n\r\n");
        co_await talk.peer.send(request);
        std::string const answer = co_await talk.peer.read_to_end();
        CHECK(status_of(answer) == status);
        CHECK(contains(answer, "Connection: close\r\n"));
        talk.peer.close();
        co_await talk.running.join();
      }
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
      CHECK(all.ends_with("\r\n\r\n"));
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
      CHECK(all.ends_with("\r\n\r\n"));
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

TEST_SUITE("http session: 100-continue") {
  constexpr std::string_view expecting = "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";

  TEST_CASE("is sent when the handler wants the body, and only then") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send("POST /a HTTP/1.1\r\nHost: test\r\n" + std::string(expecting));
      std::string const go_on = co_await talk.peer.read_until("\r\n\r\n");
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

  TEST_CASE("is all that can be expected: anything else is 417, and the last request") {
    Bench bench;
    HttpSettings const settings;
    on_shard(bench.shard, [&]() -> Task<> {
      Talk talk(bench, settings, &echo);
      co_await talk.peer.send(post("/a", "body", "Expect: tea\r\n"));
      std::string const answer = co_await talk.peer.read_to_end();
      CHECK(status_of(answer) == 417);
      talk.peer.close();
      co_await talk.running.join();
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
