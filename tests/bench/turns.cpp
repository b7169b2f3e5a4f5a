// How long one turn of a shard's loop takes while it does its heaviest work: law 8 wants about a millisecond.
// Each scenario runs against a gateway with one shard; a heartbeat that posts itself anew measures the
// processor time of the shard's thread from turn to turn. Several things that are ready at once fall into one
// turn, so that the figures are upper bounds.

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/core.hpp"
#include "reachback/gateway.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/request_handler.hpp"
#include "support/scripted_caller.hpp"
#include "support/scripted_service.hpp"

using namespace reachback;
using test::AskedCall;
using test::ScriptedCaller;
using test::ScriptedService;

namespace {

std::int64_t thread_time_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

/// Beats in every turn of the shard's loop, from its making to its end.
class Heartbeat {
 public:
  explicit Heartbeat(async::Shard& shard) : shard_(shard) {
    shard_.post([this] {
      last_ = thread_time_ns();
      beat();
    });
  }
  ~Heartbeat() {
    over_ = true;
    while (!ended_) std::this_thread::yield();
  }

  [[nodiscard]] double longest_us() const { return static_cast<double>(longest_) / 1000; }
  [[nodiscard]] std::size_t long_turns() const { return long_turns_; }
  void start_over() {
    longest_ = 0;
    long_turns_ = 0;
  }

 private:
  void beat() {
    auto const now = thread_time_ns();
    auto const took = now - last_;
    last_ = now;
    longest_ = std::max<std::int64_t>(longest_, took);
    if (took > 1'000'000) ++long_turns_;
    if (over_) {
      ended_ = true;
    } else {
      async::asio::post(shard_.strand(), [this] { beat(); });
    }
  }

  async::Shard& shard_;
  std::int64_t last_ = 0;
  std::atomic<std::int64_t> longest_{0};
  std::atomic<std::size_t> long_turns_{0};
  std::atomic<bool> over_{false}, ended_{false};
};

constexpr std::size_t mib = 1 << 20;

/// A JSON array of about `size` bytes, of what takes longest to check.
std::string slow_array(std::size_t size) {
  std::string text = "[";
  while (text.size() < size) text += "[],1,";
  return text + "1]";
}

class Bench {
 public:
  Bench() : gateway_(config()) { gateway_.start(); }

  [[nodiscard]] Gateway& gateway() { return gateway_; }
  [[nodiscard]] std::uint16_t port() const { return gateway_.port(); }
  [[nodiscard]] async::Shard& shard() { return gateway_.core().scope(0).shard; }

  /// Of five runs the one with the shortest longest turn: what else happens on the machine only adds to it.
  template <class Work>
  void measure(std::string_view name, Work work) {
    double longest = std::numeric_limits<double>::max();
    std::size_t long_turns = 0;
    for (int run = 0; run < 5; ++run) {
      Heartbeat heartbeat(shard());
      work(heartbeat);
      if (heartbeat.longest_us() >= longest) continue;
      longest = heartbeat.longest_us();
      long_turns = heartbeat.long_turns();
    }
    fmt::print("{:<52} {:>9.0f} us {:>6} turns over 1 ms\n", name, longest, long_turns);
    std::fflush(stdout);
  }

 private:
  static Config config() {
    Config config;
    config.address = "127.0.0.1";
    config.port = 0;
    config.test_mode = true;
    config.timeouts.unfetched = std::chrono::seconds(4);
    config.timeouts.drain_wait = {};
    return config;
  }
  Gateway gateway_;
};

void request(Bench& bench, std::string_view name, std::string const& message) {
  bench.measure(name, [&](Heartbeat&) {
    ScriptedService service(bench.port(), "wsData");
    ScriptedCaller caller(bench.port());
    std::jthread const calls([&] { caller.call(message); });
    service.send_text(test::answer_to(service.read_call().id));
    (void)caller.read_answer();
  });
}

void answer(Bench& bench, std::string_view name, AskedCall const& asked,
            std::function<std::vector<std::string>(proto::CallId)> const& parts) {
  bench.measure(name, [&](Heartbeat&) {
    ScriptedService service(bench.port(), "wsData");
    ScriptedCaller caller(bench.port());
    caller.call(test::request_text, asked);
    auto const call = service.read_call();
    std::jthread const answers([&] {
      for (auto const& part : parts(call.id)) service.send_text(part);
    });
    auto const head = caller.read_head();
    if (head.field("Transfer-Encoding") == "chunked") {
      while (!caller.read_chunk().empty()) {}
    } else {
      (void)caller.stream().read(std::stoull(head.field("Content-Length")));
    }
  });
}

void answers(Bench& bench) {
  std::string const payload = proto::to_base64(std::string(10 * mib, 'x'));
  auto const single = [&](proto::CallId id) { return std::vector{test::answer_to(id, payload)}; };
  auto const slow = [](proto::CallId id) {
    return std::vector{R"({"cmd":"rpc","status":200,"callId":)" + std::to_string(to_number(id)) + R"(,"x":)" +
                       slow_array(15 * mib) + "}"};
  };
  auto const three = [&](proto::CallId id) {
    std::vector<std::string> parts;
    for (unsigned i = 1; i <= 3; ++i) parts.push_back(test::part_of(id, {i, 3}, payload));
    return parts;
  };
  auto const slow_first = [&](proto::CallId id) {
    auto first = test::part_of(id, {1, 2});
    first.pop_back();
    return std::vector{first + R"(,"x":)" + slow_array(15 * mib) + "}", test::part_of(id, {2, 2})};
  };
  AskedCall const json, lines = test::as_lines;
  AskedCall const octets{.endpoint = "wsData", .query = "", .accept = "application/octet-stream"};
  answer(bench, "answer of 13 MiB, JSON", json, single);
  answer(bench, "answer of 13 MiB, NDJSON", lines, single);
  answer(bench, "answer of 13 MiB, octet-stream", octets, single);
  answer(bench, "answer of 15 MiB slow to check, JSON", json, slow);
  answer(bench, "answer of 15 MiB slow to check, NDJSON", lines, slow);
  answer(bench, "answer of 3 parts, JSON", json, three);
  answer(bench, "answer of 3 parts, NDJSON", lines, three);
  answer(bench, "answer of 3 parts, octet-stream", octets, three);
  answer(bench, "answer of 2 parts, the first slow to check, JSON", json, slow_first);
}

void endings(Bench& bench, std::size_t calls) {
  RequestHandler handler("wsData", bench.gateway());
  auto const prepare = [&] {
    for (std::size_t i = 0; i < calls; ++i) {
      if (!handler.prepare_request(test::request_text)) throw std::runtime_error("no call begun");
    }
  };
  auto const until_none = [&] {
    ScriptedCaller caller(bench.port());
    while (!caller.get("/metrics").says("reachback_calls_in_flight{endpoint=\"wsData\"} 0")) {}
  };
  bench.measure(fmt::format("{} calls of a service that leaves", calls), [&](Heartbeat& heartbeat) {
    {
      ScriptedService const service(bench.port(), "wsData");
      prepare();
      heartbeat.start_over();
    }
    until_none();
  });
  bench.measure(fmt::format("{} calls that time out", calls), [&](Heartbeat& heartbeat) {
    ScriptedService const service(bench.port(), "wsData");
    prepare();
    heartbeat.start_over();
    until_none();
  });
}

void crowd(Bench& bench, std::size_t size) {
  std::vector<ScriptedService> subscribers;
  for (std::size_t i = 0; i < size; ++i) subscribers.emplace_back(bench.port(), "wsUser");
  ScriptedCaller caller(bench.port());
  auto const post = [&](std::string const& body) {
    caller.request("POST", "/v1/endpoints/wsUser/messages", body, "Content-Type: text/plain\r\n");
    if (caller.read_answer().status != 200) throw std::runtime_error("not delivered");
  };
  bench.measure(fmt::format("a broadcast of 1 KiB to {} connections", size), [&](Heartbeat&) {
    post(std::string(1024, 'x'));
    for (auto& subscriber : subscribers) (void)subscriber.read_frame();
  });
  bench.measure(fmt::format("a list of {} connections", size),
                [&](Heartbeat&) { (void)caller.get("/v1/endpoints/wsUser"); });
  bench.measure("a page of metrics", [&](Heartbeat&) { (void)caller.get("/metrics"); });
  bench.measure(fmt::format("closing {} connections", size), [&](Heartbeat& heartbeat) {
    while (subscribers.size() < size) subscribers.emplace_back(bench.port(), "wsUser");
    heartbeat.start_over();
    caller.request("DELETE", "/v1/endpoints/wsUser/connections");
    (void)caller.read_answer();
    for (auto& subscriber : subscribers) (void)subscriber.read_close();
    subscribers.clear();
  });
}

void messages(Bench& bench) {
  bench.measure("a message of 30 MiB to one connection", [&](Heartbeat&) {
    ScriptedService subscriber(bench.port(), "wsUser");
    ScriptedCaller caller(bench.port());
    std::jthread const posts([&] {
      caller.request("POST", "/v1/endpoints/wsUser/messages", std::string(30 * mib, 'x'),
                     "Content-Type: text/plain\r\n");
    });
    (void)subscriber.read_text();
    (void)caller.read_answer();
  });
  bench.measure("an event with a message of 15 MiB", [&](Heartbeat&) {
    ScriptedCaller watcher(bench.port());
    watcher.request("GET", "/v1/endpoints/wsUser/events");
    (void)watcher.read_head();
    (void)watcher.read_chunk();
    ScriptedService sender(bench.port(), "wsUser");
    std::jthread const sends([&] { sender.send_text(std::string(15 * mib, '\n')); });
    for (std::size_t got = 0; got < 30 * mib;) got += watcher.read_chunk().size();
  });
}

}  // namespace

int main() {
  Bench bench;
  bench.measure("nothing", [](Heartbeat&) { std::this_thread::sleep_for(std::chrono::milliseconds(200)); });
  request(bench, "request of 60 MiB", test::request_of_size(60 * mib));
  request(bench, "request of 60 MiB slow to check", R"({"cmd":"rpc","args":)" + slow_array(60 * mib) + "}");
  answers(bench);
  messages(bench);
  crowd(bench, 5000);
  endings(bench, 90'000);
  return 0;
}
