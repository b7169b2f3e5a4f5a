// A whole gateway with sockets of the loopback and a clock that the script moves; the script itself runs on
// the gateway's only thread, so that each input does the same each time. The script opens and closes
// connections, calls, answers, sends what is well-formed and what is not, and lets time pass. No error is
// logged, a call reaches one service once and ends once, and at the end the gateway shuts down and everything
// that it counted is given back.
#include <fmt/format.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "gateway/core.hpp"
#include "gateway_peers.hpp"
#include "input.hpp"
#include "support/manual_clock.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> endpoint_names = {"wsData", "wsSubject", "wsUser", "wsOff",
                                                            "wsNone"};
constexpr std::string_view token = "Authorization: Bearer test\r\n";

Config small_config() {
  Config config;
  config.address = "127.0.0.1";
  config.port = 0;
  config.test_mode = true;
  config.endpoints.push_back({"wsOff", EndpointKind::reject, "switched off"});
  config.limits.connections = 12;
  config.limits.connection_reserve = 2;
  config.limits.address_connections = 13;  // of the 14 that all come from one
  config.limits.endpoint_connections = 3;
  config.limits.handshake_rate = 6;
  config.limits.connection_calls = 3;
  config.limits.event_streams = 2;
  config.limits.message = 3000;
  config.limits.request = 3000;
  config.limits.head = 1024;
  config.limits.part = 2000;
  config.limits.calls = 4;
  config.limits.call_budget = 6000;
  config.limits.parts_budget = 9000;
  config.limits.outbox = 4000;
  config.limits.outboxes_budget = 9000;
  config.limits.receive_budget = 6000;
  config.limits.body_budget = 6000;
  config.limits.subscriber = 1500;
  config.log = [](LogLevel level, std::string_view text) {
    if (level != LogLevel::error) return;
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
    expect(false, "no error is logged");
  };
  return config;
}

class World {
 public:
  explicit World(std::string_view input) : script_(input), core_(small_config(), clock_) { core_.start(); }

  void play() {
    boost::asio::post(core_.scope(0).shard.strand(), [this] { play_on_shard(); });
    core_.wait();
    check_end();
  }

 private:
  void play_on_shard() {
    // Asio counts what a handler has posted when that returns, but a loop inside of it runs it before:
    // without this it would find itself without work, and stop.
    std::vector const uncounted(1000, boost::asio::make_work_guard(core_.scope(0).shard.strand()));
    settle();
    for (int steps = 0; steps < 50 && !script_.empty(); ++steps) {
      step();
      settle();
    }
    finish();
  }

  void step() {
    switch (script_.number(0, 15)) {
      case 0:
      case 1:
        return join();
      case 2:
      case 3:
      case 4:
        return call();
      case 5:
      case 6:
      case 7:
        return answer();
      case 8:
        return ask();
      case 9:
        return speak();
      case 10:
        return send_frame();
      case 11:
        return send_anything();
      case 12:
        return peer().shut_down();
      case 13:
        return peer().reset();
      case 14:
        return pass_time();
      default:
        return drain();
    }
  }

  /// One that exists, or a new one.
  Peer& peer() {
    std::size_t const index = script_.number(0, 7);
    if (index < peers_.size() && peers_[index]->is_open()) return *peers_[index];
    if (peers_.size() >= 16) return *peers_[index];
    peers_.push_back(std::make_unique<Peer>(core_.port()));
    return *peers_.back();
  }
  std::string_view endpoint() { return endpoint_names[script_.number(0, 20) % endpoint_names.size()]; }

  void join() {
    auto const protocol = script_.flag() ? "Sec-WebSocket-Protocol: reachback.v1\r\n" : "";
    auto const credential = script_.number(0, 7) == 7 ? std::string_view() : token;
    peer().upgrade(
        fmt::format("GET /{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}{}\r\n",
                    endpoint(), protocol, credential));
  }

  void call() {
    constexpr std::array<std::string_view, 4> forms = {"", "Accept: application/x-ndjson\r\n",
                                                       "Accept: application/octet-stream\r\n",
                                                       "Accept: text/html\r\n"};
    constexpr std::array<std::string_view, 5> queries = {"", "?timeout=1", "?timeout=0.02", "?connection=1",
                                                         "?timeout=x"};
    auto const form = forms[script_.number(0, 3)], query = queries[script_.number(0, 4)];
    std::string body = R"({"cmd":"rpc","args":[")";
    body += script_.flag() ? std::string(script_.number(0, 4000), 'a') : std::string("hi");
    body += "\"]}";
    peer().request(fmt::format(
        "POST /v1/endpoints/{}/requests{} HTTP/1.1\r\nHost: x\r\n{}{}Content-Length: {}\r\n\r\n{}",
        endpoint(), query, token, form, body.size(), body));
    ++calls_asked_;
  }

  /// To a call that some service has seen, by whom the script names.
  void answer() {
    std::uint64_t id = script_.number(0, 3);
    if (!seen_.empty())
      id = proto::to_number(*std::next(seen_.begin(), static_cast<std::ptrdiff_t>(id % seen_.size())));
    auto const count = script_.number(0, 4), part = script_.number(0, 4);
    auto const data = script_.flag() ? std::string(4 * script_.number(0, 500), 'A') : std::string("aGVsbG8=");
    constexpr std::array<std::string_view, 4> extras = {"", R"("compressed":true,)",
                                                        R"("hash":"00","dataSize":5,)", R"("fileSize":5,)"};
    int const status = script_.number(0, 9) == 9 ? 500 : 200;
    auto const more = extras[script_.number(0, 3)];
    peer().send_text(
        fmt::format(R"({{"cmd":"rpc","status":{},"callId":{},"numParts":{},"partId":{},{}"data":"{}"}})",
                    status, id, count, part, more, data));
  }

  void ask() {
    constexpr std::array<std::string_view, 12> requests = {"GET /metrics",
                                                           "GET /v1/endpoints",
                                                           "GET /v1/endpoints/wsData",
                                                           "GET /v1/endpoints/wsUser/events",
                                                           "GET /v1/events",
                                                           "DELETE /v1/endpoints/wsData/connections",
                                                           "DELETE /v1/connections",
                                                           "GET /login?next=/x",
                                                           "GET /readyz",
                                                           "GET /problems/timed-out",
                                                           "GET /wsData",
                                                           "GET http://x/"};
    auto const line = requests[script_.number(0, 11)];
    auto const credential = script_.flag() ? token : std::string_view();
    peer().request(fmt::format("{} HTTP/1.1\r\nHost: x\r\n{}\r\n", line, credential));
  }

  /// To everybody on an endpoint, or a log-in.
  void speak() {
    bool const log_in = script_.flag();
    auto const target = log_in ? std::string("/login") : fmt::format("/v1/endpoints/{}/messages", endpoint());
    auto const type = log_in ? "Cookie: _xsrf=1\r\nContent-Type: application/x-www-form-urlencoded\r\n" : "";
    auto const body =
        log_in ? std::string("name=test&password=test&_xsrf=1") : std::string(script_.number(0, 1500), 'm');
    peer().request(fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\n{}{}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", target, token,
        type, body.empty() ? "" : fmt::format("{:x}\r\n{}\r\n", body.size(), body)));
  }

  void send_frame() {
    raw_ = true;
    auto const first = static_cast<char>(script_.number(0, 255));
    auto const payload = script_.text(script_.number(0, 125));
    peer().send_raw(std::string{first, static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0} +
                    std::string(payload));
  }

  void send_anything() {
    raw_ = true;  // a call may be in it
    peer().send_raw(script_.text(script_.number(1, 200)));
  }

  void pass_time() {
    constexpr std::array<std::chrono::milliseconds, 6> times = {1ms, 50ms, 2s, 11s, 41s, 400s};
    clock_.advance(times[script_.number(0, 5)]);
  }

  void drain() {
    if (script_.number(0, 3) != 3) return;
    core_.shut_down(script_.flag() ? 100ms : 0ms);
  }

  /// Until nothing is ready any more.
  void settle() {
    auto& loop = core_.scope(0).shard.strand().context();
    for (int turns = 0; true; ++turns) {
      expect(turns < 20'000, "the gateway comes to rest");
      bool moved = loop.poll() != 0;
      for (auto const& peer : peers_) {
        moved = peer->receive() || moved;
        for (auto const id : peer->take_calls()) {
          expect(seen_.insert(id).second, "a call reaches one service once");
        }
      }
      if (!moved) return;
    }
  }

  void finish() {
    core_.stop_now();
    settle();
    for (int turns = 0; core_.phase() != gateway::Core::Phase::over; ++turns) {
      expect(turns < 300, "the gateway ends in time");
      clock_.advance(100ms);
      settle();
    }
    peers_.clear();
  }

  void check_end() {
    std::uint64_t ended = 0;
    for (auto const& metrics : core_.scope(0).calls)
      ended += std::accumulate(metrics.outcomes.begin(), metrics.outcomes.end(), std::uint64_t{0});
    expect(seen_.size() <= ended, "every call that reached a service has ended");
    expect(ended <= calls_asked_ || raw_, "no call ends twice");
    for (auto const& endpoint : core_.endpoints()) {
      expect(endpoint->calls() == 0, "no call is left");
      expect(endpoint->figures().connections == 0, "no connection is left");
    }
    expect(core_.scope(0).sessions.empty(), "no session is left");
    expect(core_.parts_budget().used() == 0 && core_.outboxes_budget().used() == 0,
           "the budgets are given back");
    expect(core_.all_connections().used() == 0, "the connections are given back");
    expect(core_.event_streams().used() == 0, "the event streams are given back");
    expect(core_.admission().addresses().most() == 0, "the places of addresses are given back");
  }

  Input script_;
  test::ManualClock clock_;
  gateway::Core core_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::set<proto::CallId> seen_;
  std::uint64_t calls_asked_ = 0;
  bool raw_ = false;  ///< more calls may have been asked than were counted
};

void run(std::string_view input) { World(input).play(); }

Registration const registration("conversations", run);

}  // namespace
}  // namespace reachback::fuzz
