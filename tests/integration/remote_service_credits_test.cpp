// A service of ours at a gateway that chose reachback.v1.
#include <doctest/doctest.h>

#include <atomic>
#include <boost/json.hpp>
#include <future>
#include <memory>

#include "reachback/proto/part_cutter.hpp"
#include "support/running_service.hpp"

using namespace reachback;
using namespace reachback::test;
namespace json = boost::json;

namespace {

/// Zeros, cut into so many parts; tells when the answer has let go of it.
class Zeros final : public PayloadSource {
 public:
  Zeros(unsigned parts, std::promise<void>& given_up)
      : left_(parts * proto::part_size), given_up_(given_up) {}
  ~Zeros() override { given_up_.set_value(); }
  std::uint64_t size() const override { return left_; }
  std::string hash() override { return "0"; }
  std::string read(std::size_t max) override { return std::string(max, '\0'); }

 private:
  std::uint64_t left_;
  std::promise<void>& given_up_;
};

/// One worker. "parts" is answered with five parts, "held" when the test lets it, all else with "hi".
struct Bench {
  Bench() {
    RemoteServiceConfig config = service_config(gateway);
    config.workers = 1;
    config.log = [this](LogLevel, std::string_view text) {
      if (text.find("about to close") != std::string_view::npos) told_of_end.set_value();
    };
    service.emplace(config, [this](std::string_view text) { return answer(text); });
  }

  ServiceAnswer answer(std::string_view text) {
    ++called;
    if (text.find("\"held\"") != std::string_view::npos) {
      held.set_value();
      go_on.get_future().wait();
    }
    if (text.find(R"("attribute":"parts")") == std::string_view::npos) {
      return answer_with("hi", ServiceAnswer::Encoding::bytes);
    }
    ServiceAnswer answer;
    answer.payload = std::make_unique<Zeros>(5, given_up);
    return answer;
  }

  ScriptedConnection attached() {
    auto connection = gateway.accept();
    CHECK(
        connection.upgrade("", "Sec-WebSocket-Protocol: reachback.v1\r\n").field("Sec-WebSocket-Protocol") ==
        "reachback.v1");
    return connection;
  }

  ScriptedGateway gateway;
  std::promise<void> given_up, held, go_on, told_of_end;
  std::atomic<int> called = 0;
  std::optional<RunningService> service;
};

std::string request(int call_id, std::string_view attribute) {
  return R"({"callId":)" + std::to_string(call_id) + R"(,"timeoutMs":60000,"cmd":"rpc","attribute":")" +
         std::string(attribute) + "\"}";
}

std::string credit(int call_id, int parts) {
  return R"({"cmd":"credit","callId":)" + std::to_string(call_id) + R"(,"parts":)" + std::to_string(parts) +
         "}";
}

std::string cancel(int call_id) { return R"({"cmd":"cancel","callId":)" + std::to_string(call_id) + "}"; }

struct Seen {
  std::int64_t call, part;
  bool operator==(Seen const&) const = default;
};

Seen next_part(ScriptedConnection& connection) {
  auto const message = json::parse(connection.read_text()).as_object();
  CHECK(message.at("status") == 200);
  return {message.at("callId").as_int64(), message.at("partId").as_int64()};
}

/// The only worker is free, and nothing else was on its way before this.
void check_answers(ScriptedConnection& connection, int call_id) {
  connection.send_text(request(call_id, "quick"));
  CHECK(next_part(connection) == Seen{call_id, 1});
}

}  // namespace

TEST_CASE("two parts go out unasked and each other one by credit, while the worker answers others") {
  Bench bench;
  auto connection = bench.attached();
  connection.send_text(request(1, "parts"));
  CHECK(next_part(connection) == Seen{1, 1});
  CHECK(next_part(connection) == Seen{1, 2});
  check_answers(connection, 2);
  connection.send_text(credit(1, 1));
  CHECK(next_part(connection) == Seen{1, 3});
  check_answers(connection, 3);
  connection.send_text(credit(99, 7));
  check_answers(connection, 4);
  connection.send_text(credit(1, 2));
  CHECK(next_part(connection) == Seen{1, 4});
  CHECK(next_part(connection) == Seen{1, 5});
  bench.given_up.get_future().wait();
  connection.send_text(credit(1, 1));
  check_answers(connection, 5);
}

TEST_CASE("credit that comes before it is needed counts") {
  Bench bench;
  auto connection = bench.attached();
  connection.send_text(request(1, "parts"));
  connection.send_text(credit(1, 2));
  connection.send_text(credit(1, 1));
  for (int part = 1; part <= 5; ++part) CHECK(next_part(connection) == Seen{1, part});
}

TEST_CASE("an answer that waits for credit ends with its call") {
  Bench bench;
  auto connection = bench.attached();
  connection.send_text(request(1, "parts"));
  CHECK(next_part(connection) == Seen{1, 1});
  CHECK(next_part(connection) == Seen{1, 2});
  SUBCASE("when that is cancelled") {
    connection.send_text(cancel(1));
    bench.given_up.get_future().wait();
    connection.send_text(credit(1, 3));
    check_answers(connection, 2);
  }
  SUBCASE("when the connection is gone") {
    connection.drop();
    bench.given_up.get_future().wait();
    auto again = bench.attached();
    check_answers(again, 2);
  }
  SUBCASE("when the service stops") {
    bench.service->stop();
    bench.given_up.get_future().wait();
    CHECK(bench.service->result());
  }
}

TEST_CASE("a request that is cancelled before a worker takes it up is not answered") {
  Bench bench;
  auto connection = bench.attached();
  connection.send_text(request(1, "held"));
  bench.held.get_future().wait();
  connection.send_text(request(2, "quick"));
  connection.send_text(cancel(2));
  connection.send_text(cancel(77));
  connection.send_text(R"({"cmd":"goaway"})");
  bench.told_of_end.get_future().wait();
  bench.go_on.set_value();
  CHECK(next_part(connection) == Seen{1, 1});
  check_answers(connection, 3);
  CHECK(bench.called == 2);
}

TEST_CASE("an answer that is cancelled while it is made is not sent") {
  Bench bench;
  auto connection = bench.attached();
  connection.send_text(request(1, "held"));
  bench.held.get_future().wait();
  connection.send_text(cancel(1));
  connection.send_text(R"({"cmd":"goaway"})");
  bench.told_of_end.get_future().wait();
  bench.go_on.set_value();
  check_answers(connection, 2);
}

TEST_CASE("what a caller words like the gateway's own messages is a request like others") {
  Bench bench;
  auto connection = bench.attached();
  int call_id = 0;
  for (std::string const members : {R"("cmd":"goaway")", R"("cmd":"cancel")", R"("cmd":"credit","parts":3)",
                                    R"("cmd":"credit","parts":3,"timeoutMs":null)"}) {
    connection.send_text(R"({"callId":)" + std::to_string(++call_id) + R"(,"timeoutMs":60000,)" + members +
                         "}");
    CHECK(next_part(connection) == Seen{call_id, 1});
  }
}

TEST_CASE("at a gateway that did not choose it, no part waits and nothing is obeyed") {
  Bench bench;
  auto connection = bench.gateway.accept();
  connection.upgrade();
  connection.send_text(request(1, "parts"));
  for (int part = 1; part <= 5; ++part) CHECK(next_part(connection) == Seen{1, part});
  connection.send_text(cancel(2));
  CHECK(next_part(connection) == Seen{2, 1});
}
