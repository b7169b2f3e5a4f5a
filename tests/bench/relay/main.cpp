// The reference of the bench: a relay that does the least that the gateway's interface asks for, on one
// thread. No checks, no limits, no deadlines, no credentials: the practical limit of what a gateway can
// reach.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "bench/io/loop.hpp"
#include "bench/io/sockets.hpp"
#include "bench/relay/caller_side.hpp"
#include "bench/relay/exchange.hpp"

namespace {

using namespace reachback::bench;

class Acceptor final : public Handler {
 public:
  Acceptor(Loop& loop, Exchange& exchange, std::uint16_t port)
      : loop_(loop), exchange_(exchange), listener_(listen_on(port)) {
    loop_.watch(listener_, *this);
  }
  ~Acceptor() override { ::close(listener_); }

  void on_ready(std::uint32_t) override {
    for (int socket = accept_from(listener_); socket >= 0; socket = accept_from(listener_)) {
      loop_.adopt(std::make_unique<CallerSide>(loop_, socket, exchange_));
    }
  }

 private:
  Loop& loop_;
  Exchange& exchange_;
  int listener_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_relay PORT\n");
    return 2;
  }
  try {
    raise_file_limit();
    Exchange exchange;
    Loop loop;
    Acceptor const acceptor(loop, exchange, static_cast<std::uint16_t>(std::atoi(argv[1])));
    while (true) loop.turn(-1);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_relay: %s\n", error.what());
    return 1;
  }
}
