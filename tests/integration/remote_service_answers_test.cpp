#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <future>
#include <map>
#include <memory>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/md5.hpp"
#include "reachback/proto/part_cutter.hpp"
#include "reachback/remote_service.hpp"
#include "support/running_service.hpp"
#include "support/scripted_gateway.hpp"

using namespace reachback;
using namespace reachback::test;
namespace json = boost::json;

namespace {

std::string request(int call_id, std::string_view attribute) {
  return R"({"cmd":"rpc","attribute":")" + std::string(attribute) + R"(","callId":)" +
         std::to_string(call_id) + "}";
}

bool asks_for(std::string_view text, std::string_view attribute) {
  return text.find("\"" + std::string(attribute) + "\"") != std::string_view::npos;
}

ServiceAnswer echo(std::string_view text) {
  return answer_with(std::string(text), ServiceAnswer::Encoding::bytes);
}

ScriptedConnection attached(ScriptedGateway& gateway) {
  auto connection = gateway.accept();
  connection.upgrade();
  return connection;
}

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// A part's bytes by the rules of the protocol, its hash and size checked.
std::string payload_of(json::object const& part) {
  std::string bytes;
  REQUIRE(
      proto::decode_base64(std::string_view(part.at("data").as_string()), proto::Padding::allowed, bytes));
  if (part.contains("compressed")) {
    std::string inflated(static_cast<std::size_t>(part.at("dataSize").to_number<std::int64_t>()), '\0');
    uLongf size = inflated.size();
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(inflated.data()), &size,
                       reinterpret_cast<Bytef const*>(bytes.data()), bytes.size()) == Z_OK);
    inflated.resize(size);
    bytes = inflated;
  }
  CHECK(part.at("hash") == proto::md5_hex(bytes).c_str());
  CHECK(part.at("dataSize") == bytes.size());
  return bytes;
}

/// Holds a worker until the test lets it go on; any number of waiters.
struct Gate {
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();
};

/// Waits in its first `read` until the gate opens, and tells that it is there.
class HeldPayload final : public PayloadSource {
 public:
  HeldPayload(std::promise<void>& reached, Gate const& gate) : reached_(reached), open_(gate.open) {}
  std::uint64_t size() const override { return 4; }
  std::string hash() override { return proto::md5_hex("held"); }
  std::string read(std::size_t) override {
    reached_.set_value();
    open_.wait();
    return "held";
  }

 private:
  std::promise<void>& reached_;
  std::shared_future<void> open_;
};

/// The answer to "held" waits for the gate; all else is echoed.
ServiceFunction holding(std::promise<void>& reached, Gate const& gate) {
  return [&reached, &gate](std::string_view text) {
    if (!asks_for(text, "held")) return echo(text);
    ServiceAnswer answer;
    answer.payload = std::make_unique<HeldPayload>(reached, gate);
    return answer;
  };
}

}  // namespace

TEST_CASE("a large answer comes in parts of 10 MiB that make up the payload") {
  for (auto const& payload : {noise(25 << 20), std::string(21 << 20, 'z'), std::string("small")}) {
    ScriptedGateway gateway;
    RunningService service(service_config(gateway), [&](std::string_view) {
      return answer_with(payload, ServiceAnswer::Encoding::bytes);
    });
    auto connection = attached(gateway);
    connection.send_text(request(9, "x"));
    auto const parts = (payload.size() + proto::part_size - 1) / proto::part_size;
    std::string received;
    for (std::size_t id = 1; id <= parts; ++id) {
      auto const part = json::parse(connection.read_text()).as_object();
      CHECK(part.at("callId") == 9);
      CHECK(part.at("status") == 200);
      CHECK(part.at("partId") == id);
      CHECK(part.at("numParts") == parts);
      CHECK(part.at("fileSize") == payload.size());
      CHECK(part.at("fileHash") == proto::md5_hex(payload).c_str());
      CHECK(part.contains("compressed") == (payload.size() > proto::compress_above));
      received += payload_of(part);
    }
    CHECK(received == payload);
  }
}

TEST_CASE("requests are answered in parallel: a slow one holds up no other") {
  ScriptedGateway gateway;
  Gate gate;
  std::promise<void> reached;
  RunningService service(service_config(gateway), holding(reached, gate));
  auto connection = attached(gateway);
  connection.send_text(request(1, "held"));
  reached.get_future().wait();
  connection.send_text(request(2, "quick"));
  CHECK(json::parse(connection.read_text()).as_object().at("callId") == 2);
  gate.opened.set_value();
  CHECK(json::parse(connection.read_text()).as_object().at("callId") == 1);
}

TEST_CASE("two large answers take turns") {
  ScriptedGateway gateway;
  auto const payload = noise(60 << 20);
  RunningService service(service_config(gateway), [&](std::string_view) {
    return answer_with(payload, ServiceAnswer::Encoding::bytes);
  });
  auto connection = attached(gateway);
  connection.send_text(request(1, "a"));
  connection.send_text(request(2, "b"));
  std::string order;
  for (int part = 0; part < 12; ++part) {
    auto const text = connection.read_text();
    order += text.find(R"("callId":1,)") != std::string::npos ? 'a' : 'b';
  }
  CHECK(std::ranges::count(order, 'a') == 6);
  CHECK(order.find("aaaaaa") == std::string::npos);
  CHECK(order.find("bbbbbb") == std::string::npos);
}

namespace {

/// How far ahead of the reader the making of parts has ever been.
struct Lead {
  std::atomic<int> made = 0, received = 0, longest = 0;
  std::promise<void> is_three;
};

class CountedZeros final : public PayloadSource {
 public:
  CountedZeros(int parts, Lead& lead) : parts_(parts), lead_(lead) {}
  std::uint64_t size() const override { return static_cast<std::uint64_t>(parts_) * proto::part_size; }
  std::string hash() override { return "0"; }
  std::string read(std::size_t max) override {
    int const made = ++lead_.made;
    lead_.longest = std::max(lead_.longest.load(), made - lead_.received);
    if (made == 3) lead_.is_three.set_value();
    // Not compressible, so that the parts are as large as they can be.
    return noise(max);
  }

 private:
  int parts_;
  Lead& lead_;
};

}  // namespace

TEST_CASE("a peer that does not read holds the making of parts after a few") {
  constexpr int parts = 12;
  ScriptedGateway gateway;
  Lead lead;
  RunningService service(service_config(gateway), [&](std::string_view) {
    ServiceAnswer answer;
    answer.payload = std::make_unique<CountedZeros>(parts, lead);
    return answer;
  });
  auto connection = attached(gateway);
  connection.send_text(request(1, "zeros"));
  lead.is_three.get_future().wait();
  for (int part = 1; part <= parts; ++part) {
    CHECK(connection.read_text().size() > proto::part_size);
    lead.received = part;
  }
  // Three in the window, and one that the kernel's buffers and the reader have between them.
  CHECK(lead.longest <= 5);
}

TEST_CASE("stop abandons an answer in the making") {
  ScriptedGateway gateway;
  Gate gate;
  std::promise<void> reached;
  RunningService service(service_config(gateway), holding(reached, gate));
  auto connection = attached(gateway);
  connection.send_text(request(1, "held"));
  reached.get_future().wait();
  service.stop();
  CHECK(connection.read().close_code == 1001);
  connection.drop();
  gate.opened.set_value();
  CHECK(service.result());
}

TEST_CASE("stop frees workers that wait for room at a peer that does not read") {
  ScriptedGateway gateway;
  std::atomic<int> begun = 0;
  std::promise<void> all_begun;
  auto const payload = noise(30 << 20);
  RunningService service(service_config(gateway), [&](std::string_view) {
    if (++begun == 4) all_begun.set_value();
    return answer_with(payload, ServiceAnswer::Encoding::bytes);
  });
  auto connection = attached(gateway);
  for (int call = 1; call <= 4; ++call) connection.send_text(request(call, "x"));
  all_begun.get_future().wait();
  service.stop();
  CHECK(service.result());
}

TEST_CASE("an answer goes to the connection that brought the request, or nowhere") {
  ScriptedGateway gateway;
  Gate gate;
  std::promise<void> reached;
  RunningService service(service_config(gateway), holding(reached, gate));
  auto one = attached(gateway);
  one.send_text(request(1, "held"));
  reached.get_future().wait();
  one.drop();
  auto two = attached(gateway);
  gate.opened.set_value();
  two.send_text(request(2, "quick"));
  CHECK(json::parse(two.read_text()).as_object().at("callId") == 2);
  two.send_text(request(3, "quick"));
  CHECK(json::parse(two.read_text()).as_object().at("callId") == 3);
}

TEST_CASE("more requests than may wait are answered with 503 at once") {
  ScriptedGateway gateway;
  Gate gate;
  std::promise<void> reached;
  auto config = service_config(gateway);
  config.workers = 1;
  config.waiting_requests = 1;
  RunningService service(config, holding(reached, gate));
  auto connection = attached(gateway);
  for (int call = 1; call <= 3; ++call) connection.send_text(request(call, call == 1 ? "held" : "quick"));
  auto const refused = json::parse(connection.read_text()).as_object();
  CHECK(refused.at("callId") == 3);
  CHECK(refused.at("status") == 503);
  gate.opened.set_value();
  CHECK(json::parse(connection.read_text()).as_object().at("callId") == 1);
  CHECK(json::parse(connection.read_text()).as_object().at("callId") == 2);
}

TEST_CASE("messages that are no requests are ignored") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), echo);
  auto connection = attached(gateway);
  for (std::string_view const text : {"hello", "[]", "{}", R"({"cmd":"rpc"})", R"({"callId":"7"})",
                                      R"({"callId":1)", R"({"cmd":"error","status":500,"error":"x"})"}) {
    connection.send_text(text);
  }
  connection.send_text(request(7, "x"));
  CHECK(json::parse(connection.read_text()).as_object().at("callId") == 7);
}

TEST_CASE("a request of 32 MiB comes back whole") {
  ScriptedGateway gateway;
  RunningService service(service_config(gateway), echo);
  auto connection = attached(gateway);
  auto const text = R"({"cmd":"rpc","callId":1,"args":[")" + std::string(32 << 20, 'a') + "\"]}";
  connection.send_text(text);
  std::string received;
  while (received.size() < text.size())
    received += payload_of(json::parse(connection.read_text()).as_object());
  CHECK(received == text);
}
