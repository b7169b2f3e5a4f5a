// The gateway's WebSocket code as an echo server, for conformance suites: its listener, HTTP session and
// WebSocket connections, and nothing of the gateway above them.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "async/clock.hpp"
#include "async/task_group.hpp"
#include "net/listener.hpp"
#include "support/echo_server/echo_handler.hpp"

namespace {

using namespace reachback;

constexpr std::size_t connection_limit = 1000;

void print(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& exception) {
    std::fprintf(stderr, "echo_server: %s\n", exception.what());
  }
}

class EchoServer final : public net::AcceptSink {
 public:
  explicit EchoServer(std::uint16_t port)
      : listener_(shard_, net::Tcp::endpoint(net::asio::ip::address_v4::loopback(), port), connections_,
                  *this) {}

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  /// Never returns: a signal ends the process.
  void run() {
    shard_.post([this] { tasks_.spawn(listener_.run()); });
    shard_.run();
  }

 private:
  void on_accept(net::LooseSocket socket, net::asio::ip::address const&, core::Permit permit) override {
    tasks_.spawn(serve(std::move(socket), std::move(permit)));
  }
  void on_full() override {}
  void on_failure(net::error_code error) override {
    std::fprintf(stderr, "echo_server: %s\n", error.message().c_str());
  }
  [[nodiscard]] net::Task<> serve(net::LooseSocket socket, core::Permit permit) {
    auto handler = std::make_unique<test::EchoHandler>();
    net::HttpSession session(shard_, net::Stream(std::move(socket).attach(shard_)), settings_,
                             std::move(permit), std::move(handler));
    co_await session.run();
  }

  core::Budget connections_{connection_limit};
  net::HttpSettings const settings_;
  async::Shard shard_{0, async::steady_clock()};
  async::TaskGroup tasks_{shard_.strand(), &print};
  net::Listener listener_;
};

/// Nothing unless the text is a port and nothing else.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

int main(int count, char** arguments) {
  auto const port = count == 2 ? port_of(arguments[1]) : std::nullopt;
  if (!port) {
    std::fputs("usage: echo_server PORT\nPORT 0: one that is free\n", stderr);
    return 2;
  }
  try {
    EchoServer server(*port);
    std::printf("listening on 127.0.0.1:%u\n", unsigned{server.port()});
    std::fflush(stdout);
    server.run();
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "echo_server: %s\n", failure.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
