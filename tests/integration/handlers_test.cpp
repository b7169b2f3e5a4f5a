#include <doctest/doctest.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "reachback/request_handler.hpp"
#include "reachback/websocket_handler.hpp"
#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

/// What callbacks saw, on the shards' threads.
class Seen {
 public:
  void add(std::string text) {
    std::scoped_lock const lock(mutex_);
    texts_.push_back(std::move(text));
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::scoped_lock const lock(mutex_);
    return texts_;
  }
  [[nodiscard]] bool becomes(std::vector<std::string> const& wanted) const {
    return wait_until([&] { return texts() == wanted; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

ConnectionNotice notice_to(Seen& seen) {
  return [&seen](std::string_view endpoint, std::string_view event) {
    seen.add(std::string(endpoint) + " " + std::string(event));
  };
}

}  // namespace

TEST_CASE_TEMPLATE("a callback gets the messages of its endpoint, with their client", Shards, OneShard,
                   FourShards) {
  Seen seen;
  std::vector<ConnectionId> senders;
  std::vector<std::string> addresses;
  BaseWebSocketHandler chat;
  chat.initialize("chat", [&](WebSocketClient const& client, std::string_view message) {
    senders.push_back(client.id);
    addresses.emplace_back(client.remote_address);
    seen.add(std::string(client.endpoint) + " " + std::string(message));
  });
  GatewayFixture gateway(Shards::config(), {&chat});
  auto peer = gateway.service("chat");
  auto const ids = gateway.state().connections("chat").value();
  peer.send_text("one");
  peer.send({.opcode = Opcode::binary, .fin = Fin::last, .payload = "two"});
  CHECK(seen.becomes({"chat one", "chat two"}));
  gateway.stop();
  CHECK(senders == std::vector{ids[0], ids[0]});
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].starts_with("127.0.0.1"));
  CHECK(addresses[1] == addresses[0]);
}

TEST_CASE_TEMPLATE("the connection notice tells of each join and leave", Shards, OneShard, FourShards) {
  Seen seen;
  DataWebSocketHandler lab;
  lab.initialize("lab", {}, notice_to(seen));
  GatewayFixture gateway(Shards::config(), {&lab});
  {
    auto const first = gateway.service("lab");
    CHECK(seen.becomes({"lab open"}));
    auto second = gateway.service("lab");
    CHECK(seen.becomes({"lab open", "lab open"}));
    second.stream().reset();
    CHECK(seen.becomes({"lab open", "lab open", "lab close"}));
  }
  CHECK(seen.becomes({"lab open", "lab open", "lab close", "lab close"}));
}

TEST_CASE_TEMPLATE("a callback that throws is logged, and the connection lives", Shards, OneShard,
                   FourShards) {
  DataWebSocketHandler lab;
  lab.initialize(
      "lab",
      [](WebSocketClient const&, std::string_view message) {
        if (message.find("number") != std::string_view::npos) throw 7;
        throw std::runtime_error("the callback's own trouble");
      },
      [](std::string_view, std::string_view) { throw std::runtime_error("the notice's own trouble"); });
  GatewayFixture gateway(Shards::config(), {&lab});
  RequestHandler handler("lab", gateway.gateway());
  auto service = gateway.service("lab");
  CHECK(gateway.logged("a callback of lab: the notice's own trouble"));
  service.send_text("a number");
  service.settle();
  CHECK(gateway.logged("a callback of lab: an exception of unknown type"));

  auto waiting = std::async(std::launch::async, [&] { return handler.do_request(request_text); });
  service.send_text(answer_to(service.read_call().id));
  CHECK(value_of(waiting));
  CHECK(gateway.logged("a callback of lab: the callback's own trouble"));
}

TEST_CASE_TEMPLATE("a rejecting endpoint closes with 1008 and its reason", Shards, OneShard, FourShards) {
  RejectWebSocketHandler closed;
  closed.initialize("closed", "the lab is on holiday");
  GatewayFixture gateway(Shards::config(), {&closed});
  auto peer = gateway.service("closed");
  auto const end = peer.read_close_with_reason();
  CHECK(end.code == 1008);
  CHECK(end.reason == "the lab is on holiday");
  CHECK(peer.stream().at_end());

  RequestHandler handler("closed", gateway.gateway());
  auto const response = handler.do_request(request_text);
  REQUIRE_FALSE(response);
  CHECK(response.error().problem == Problem::disabled);
  CHECK(response.error().detail == "the lab is on holiday");
  auto const sent = gateway.state().send_websocket_message("closed", "{}");
  REQUIRE_FALSE(sent);
  CHECK(sent.error().problem == Problem::disabled);
}

TEST_CASE_TEMPLATE("without a callback the default one logs the cmd of each message", Shards, OneShard,
                   FourShards) {
  BaseWebSocketHandler chat;
  chat.initialize("chat");
  GatewayFixture gateway(Shards::config(), {&chat});
  auto peer = gateway.service("chat");
  peer.send_text(R"({"cmd":"greet","args":["secret"]})");
  peer.settle();
  CHECK(gateway.logged("chat: cmd: greet"));
  CHECK_FALSE(gateway.logged("secret"));
  for (std::string_view const garbage : {"nonsense", R"({"no":"cmd"})"}) {
    peer.send_text(garbage);
    peer.settle();
  }
  CHECK(gateway.logged("the message is no JSON object"));
  CHECK(gateway.logged("the message has no 'cmd'"));
}

TEST_CASE_TEMPLATE("a derived handler decides by its own functions", Shards, OneShard, FourShards) {
  class Greeter final : public BaseWebSocketHandler {
   public:
    void open(WebSocketClient const& client) override { seen.add("open " + std::string(client.user)); }
    void on_message(WebSocketClient const&, std::string_view message) override {
      seen.add(std::string(message));
    }
    void on_close(WebSocketClient const&) override { seen.add("close"); }
    Seen seen;
  };
  Greeter greeter;
  greeter.initialize("greeter");
  GatewayFixture gateway(Shards::config(), {&greeter});
  {
    auto peer = gateway.service("greeter");
    peer.send_text("hello");
    peer.settle();
  }
  REQUIRE(wait_until([&] { return greeter.seen.texts().size() == 3; }));
  auto const texts = greeter.seen.texts();
  CHECK(texts[0].starts_with("open "));
  CHECK(texts[1] == "hello");
  CHECK(texts[2] == "close");
}

TEST_CASE_TEMPLATE("a callback may send by the functions that don't wait", Shards, OneShard, FourShards) {
  Gateway* running = nullptr;
  BaseWebSocketHandler chat;
  chat.initialize("chat", [&](WebSocketClient const& client, std::string_view message) {
    (void)running->state().async_send_websocket_message("chat", "echo " + std::string(message), client.id);
  });
  GatewayFixture gateway(Shards::config(), {&chat});
  running = &gateway.gateway();
  auto peer = gateway.service("chat");
  peer.send_text("hello");
  CHECK(peer.read_text() == "echo hello");
}
