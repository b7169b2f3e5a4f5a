// A service of ours whose gateway says that it is about to leave.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>

#include "reachback/proto/part_cutter.hpp"
#include "support/running_service.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr std::string_view goaway = R"({"cmd":"goaway"})";

std::string request(int call_id, std::string_view attribute) {
  return R"({"callId":)" + std::to_string(call_id) + R"(,"timeoutMs":60000,"cmd":"rpc","attribute":")" +
         std::string(attribute) + "\"}";
}

/// "held" is answered when the test lets it, "parts" with three parts, all else with "hi".
struct Bench {
  Bench() {
    auto config = service_config(gateway);
    config.first_retry = std::chrono::milliseconds(0);
    service.emplace(config, [this](std::string_view text) { return answer(text); });
  }
  ~Bench() { let_go(); }

  ServiceAnswer answer(std::string_view text) {
    if (text.find("\"held\"") != std::string_view::npos) {
      ++holding;
      released.wait();
    }
    bool const parts = text.find("\"parts\"") != std::string_view::npos;
    return answer_with(std::string(parts ? 3 * proto::part_size : 2, 'h'), ServiceAnswer::Encoding::bytes);
  }

  void let_go() {
    if (!std::exchange(let_go_, true)) release.set_value();
  }

  ScriptedConnection attached() {
    auto connection = gateway.accept();
    connection.upgrade("", "Sec-WebSocket-Protocol: reachback.v1\r\n");
    return connection;
  }

  /// A connection over which a held request came, and `goaway` behind it.
  ScriptedConnection attached_and_held(int call_id) {
    auto connection = attached();
    int const before = holding;
    connection.send_text(request(call_id, "held"));
    CHECK(wait_until([&] { return holding == before + 1; }));
    connection.send_text(goaway);
    return connection;
  }

  ScriptedGateway gateway;
  std::atomic<int> holding = 0;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  bool let_go_ = false;
  std::optional<RunningService> service;
};

void check_answer(ScriptedConnection& connection, int call_id) {
  CHECK(connection.read_text().find("\"callId\":" + std::to_string(call_id)) != std::string::npos);
}

void check_answers(ScriptedConnection& connection, int call_id) {
  connection.send_text(request(call_id, "quick"));
  check_answer(connection, call_id);
}

/// The service leaves, having said all that it had to say.
void check_leaves(ScriptedConnection& connection) {
  CHECK(connection.read().close_code == 1001);
  connection.send_close(1001);
  connection.drop();
}

}  // namespace

TEST_CASE("a service that is told to go joins anew, and leaves once its answers are sent") {
  Bench bench;
  auto old = bench.attached_and_held(7);
  auto young = bench.attached();
  check_answers(young, 7);
  check_answers(old, 8);
  bench.let_go();
  check_answer(old, 7);
  check_leaves(old);
  check_answers(young, 9);
}

TEST_CASE("one that has nothing to answer leaves as soon as it has joined anew, and not before") {
  Bench bench;
  auto old = bench.attached();
  old.send_text(goaway);
  auto dial = bench.gateway.accept();
  check_answers(old, 1);
  dial.upgrade("", "Sec-WebSocket-Protocol: reachback.v1\r\n");
  check_leaves(old);
  check_answers(dial, 1);
}

TEST_CASE("while nobody takes it, a service tries again and answers where it is") {
  Bench bench;
  auto old = bench.attached();
  old.send_text(goaway);
  for (int call_id = 1; call_id <= 3; ++call_id) {
    auto refused = bench.gateway.accept();
    CHECK(refused.read_request().field("Upgrade") == "websocket");
    refused.reply("503 Service Unavailable", "Connection: close\r\n");
    check_answers(old, call_id);
  }
  auto young = bench.attached();
  check_leaves(old);
  check_answers(young, 4);
}

TEST_CASE("an answer that waits for credit is sent to its end before the service leaves") {
  Bench bench;
  auto old = bench.attached();
  old.send_text(request(1, "parts"));
  old.send_text(goaway);
  auto young = bench.attached();
  young.send_text(request(1, "parts"));
  for (auto* const connection : {&old, &young}) {
    check_answer(*connection, 1);
    check_answer(*connection, 1);
  }
  // Neither words about the same call elsewhere nor their absence matter here.
  young.send_text(R"({"cmd":"cancel","callId":1})");
  check_answers(young, 2);
  check_answers(old, 2);
  old.send_text(R"({"cmd":"credit","callId":1,"parts":1})");
  CHECK(old.read_text().find(R"("partId":3)") != std::string::npos);
  check_leaves(old);
}

TEST_CASE("a gateway that closes before all is answered is not waited for, and not dialled twice") {
  Bench bench;
  auto old = bench.attached_and_held(1);
  auto young = bench.attached();
  old.send_close(1012);
  CHECK(old.read().close_code == 1012);
  old.drop();
  bench.let_go();
  check_answers(young, 2);
  CHECK_FALSE(bench.gateway.has_visitor());
}

TEST_CASE("stop closes the old connection and the new one") {
  Bench bench;
  auto old = bench.attached_and_held(1);
  auto young = bench.attached();
  check_answers(young, 1);
  bench.service->stop();
  for (auto* const connection : {&old, &young}) check_leaves(*connection);
  bench.let_go();
  CHECK(bench.service->result());
}

TEST_CASE("stop ends a dial for another gateway too") {
  Bench bench;
  auto old = bench.attached();
  old.send_text(goaway);
  auto dial = bench.gateway.accept();
  CHECK_FALSE(dial.read_request().line.empty());
  bench.service->stop();
  check_leaves(old);
  CHECK(bench.service->result());
}

TEST_CASE("a third gateway that leaves is left only when one of the first two is done with") {
  Bench bench;
  auto first = bench.attached_and_held(1);
  auto second = bench.attached_and_held(2);
  auto third = bench.attached_and_held(3);
  check_answers(third, 4);
  CHECK_FALSE(bench.gateway.has_visitor());
  first.drop();
  auto fourth = bench.attached();
  check_answers(fourth, 1);
  bench.let_go();
  check_answer(second, 2);
  check_leaves(second);
  check_answer(third, 3);
  check_leaves(third);
}

TEST_CASE("who is told to go dials at once, unless it has only just come") {
  ScriptedGateway gateway;
  auto config = service_config(gateway);
  bool pauses = false;
  SUBCASE("at once") { config.first_retry = std::chrono::milliseconds(0); }
  SUBCASE("only just") {
    config.first_retry = std::chrono::hours(1);
    pauses = true;
  }
  std::promise<void> pausing;
  config.longest_retry = std::chrono::hours(1);
  config.log = [&](LogLevel, std::string_view text) {
    if (text.starts_with("next try")) pausing.set_value();
  };
  RunningService service(config, [](std::string_view) { return answer_with_error("none"); });
  auto old = gateway.accept();
  old.upgrade("", "Sec-WebSocket-Protocol: reachback.v1\r\n");
  old.send_text(goaway);
  if (pauses) {
    pausing.get_future().wait();
    check_answers(old, 1);
    CHECK_FALSE(gateway.has_visitor());
  } else {
    auto young = gateway.accept();
    young.upgrade();
    check_leaves(old);
  }
}
