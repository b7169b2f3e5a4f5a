// A gateway in a program that holds calls of its own: as many as no HTTP callers could, each of which needs a
// descriptor. `bench_load --held N` is the service that never answers them, and the callers beside them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <utility>

#include "reachback/gateway.hpp"
#include "reachback/request_handler.hpp"
#include "reachback/websocket_handler.hpp"

namespace {

using namespace reachback;

constexpr std::string_view request =
    R"({"cmd":"rpc","class":"Bench","attribute":"hold","args":["nnnnnnnn"],"kwargs":{}})";

/// Sends so many requests whose answers nobody waits for: they stay pending without a thread each.
void begin_calls(Gateway& gateway, RequestHandler& requests, std::string const& endpoint, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    auto const prepared = requests.prepare_request(request).value();
    (void)gateway.state().send_websocket_message(endpoint, prepared.message, prepared.connection).value();
  }
}

void serve(std::uint16_t port, std::size_t calls) {
  std::promise<void> joined;
  DataWebSocketHandler data;
  data.initialize(
      "wsData", [](WebSocketClient const&, std::string_view) {},
      [&, first = true](std::string_view, std::string_view event) mutable {
        if (event == "open" && std::exchange(first, false)) joined.set_value();
      });

  Config config;
  config.address = "127.0.0.1";
  config.port = port;
  config.tokens = {known_token("test", "test")};
  config.limits.calls += calls;
  config.timeouts.unfetched = std::chrono::hours(1);
  Gateway gateway(config);
  gateway.add_handler(data);
  gateway.start();

  RequestHandler requests(data.name(), gateway);
  joined.get_future().wait();
  begin_calls(gateway, requests, data.name(), calls);
  gateway.wait();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_pending PORT CALLS\n");
    return 2;
  }
  try {
    serve(static_cast<std::uint16_t>(std::stoul(argv[1])), std::stoul(argv[2]));
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_pending: %s\n", error.what());
    return 1;
  }
}
