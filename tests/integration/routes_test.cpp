// What single routes say to requests that are unlike the usual ones.
#include <doctest/doctest.h>

#include <string>

#include "support/gateway_fixture.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr std::size_t longest_form = 16 * 1024;

void begin_log_in(ScriptedCaller& browser, std::string_view length) {
  browser.send("POST /login HTTP/1.1\r\nHost: gateway\r\n" + std::string(length) + "\r\n\r\n");
}

void send_chunk(ScriptedCaller& browser, std::size_t size) {
  std::string const bytes(size, 'x');
  std::string size_line;
  for (std::size_t rest = size; rest != 0; rest /= 16) size_line.insert(0, 1, "0123456789abcdef"[rest % 16]);
  browser.send(size_line + "\r\n" + bytes + "\r\n");
}

}  // namespace

TEST_CASE("a log-in form over 16 KiB is refused before its end, however its length is told") {
  GatewayFixture gateway(OneShard::config());
  auto browser = gateway.caller();
  SUBCASE("by its head") { begin_log_in(browser, "Content-Length: " + std::to_string(longest_form + 1)); }
  SUBCASE("by one chunk") {
    begin_log_in(browser, "Transfer-Encoding: chunked");
    send_chunk(browser, longest_form + 1);
  }
  SUBCASE("by many chunks") {
    begin_log_in(browser, "Transfer-Encoding: chunked");
    for (int kilobyte = 0; kilobyte < 17; ++kilobyte) send_chunk(browser, 1024);
  }
  auto const answer = browser.read_answer();
  CHECK(answer.status == 413);
  CHECK(answer.says("/problems/too-large"));
  // What follows would be read as the next request.
  CHECK(answer.field("Connection") == "close");
  CHECK(browser.stream().at_end());
}

TEST_CASE("a log-in form of 16 KiB in chunks is read") {
  GatewayFixture gateway(OneShard::config());
  auto browser = gateway.caller();
  begin_log_in(browser, "Transfer-Encoding: chunked");
  for (int kilobyte = 0; kilobyte < 16; ++kilobyte) send_chunk(browser, 1024);
  browser.send("0\r\n\r\n");
  auto const answer = browser.read_answer();
  // It is as wrong as a small one of that kind.
  CHECK(answer.status == 403);
  CHECK(answer.says("_xsrf"));
}

TEST_CASE_TEMPLATE("HEAD of an event stream gets its head and no events, and the connection stays", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto caller = gateway.caller();
  for (std::string_view const path : {"/v1/events", "/v1/endpoints/wsData/events"}) {
    CAPTURE(path);
    caller.request("HEAD", path);
    auto const head = caller.read_head();
    CHECK(head.status == 200);
    CHECK(head.field("Content-Type") == "text/event-stream");
    CHECK(head.field("Connection").empty());
    // An event that a stream would have to tell.
    auto const service = gateway.service();
    // A byte of a body would stand before the next answer.
    CHECK(caller.get("/livez").body == "alive\n");
    CHECK(gateway.state().close_all_connections() == 1);
  }
  caller.request("HEAD", "/v1/endpoints/wsNobody/events");
  CHECK(caller.read_head().status == 404);
  CHECK(caller.get("/livez").status == 200);
}
