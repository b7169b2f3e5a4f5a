#include "net/listener.hpp"

#include <chrono>
#include <utility>

namespace reachback::net {
namespace {

/// Long enough not to spin when descriptors are out, short enough that nobody's connect times out.
constexpr auto retry_after = std::chrono::milliseconds(50);

}  // namespace

Listener::Listener(async::Shard& shard, Tcp::endpoint const& address, core::Budget& connections,
                   AcceptSink& sink)
    : acceptor_(shard.strand(), address.protocol()),
      port_(0),
      connections_(connections),
      sink_(sink),
      retry_(shard.strand()),
      retry_at_(shard, [this] { retry_.notify(); }) {
  acceptor_.set_option(Acceptor::reuse_address(true));
  acceptor_.bind(address);
  acceptor_.listen(4096);
  port_ = acceptor_.local_endpoint().port();
}

Task<> Listener::run() {
  while (!stopped_) {
    auto permit = connections_.acquire(1);
    if (!permit) {
      if (!std::exchange(full_, true)) sink_.on_full();
      co_await back_off();
      continue;
    }
    full_ = false;
    Tcp::endpoint peer;
    auto [error, socket] = co_await acceptor_.async_accept(peer, async::use_task);
    if (!error) {
      failing_ = false;
      sink_.on_accept(LooseSocket(std::move(socket)), peer.address(), std::move(*permit));
    } else if (!stopped_) {
      if (!std::exchange(failing_, true)) sink_.on_failure(error);
      co_await back_off();
    }
  }
}

Task<> Listener::back_off() {
  retry_at_.set_in(retry_after);
  co_await retry_.wait();
}

void Listener::stop() {
  stopped_ = true;
  take_all();
  error_code ignored;
  acceptor_.close(ignored);
  retry_.notify();
}

// They have connected, and perhaps asked: by closing, the kernel would reset them.
void Listener::take_all() {
  error_code error;
  acceptor_.non_blocking(true, error);
  while (!error) {
    auto permit = connections_.acquire(1);
    if (!permit) return;
    Socket socket(acceptor_.get_executor());
    Tcp::endpoint peer;
    acceptor_.accept(socket, peer, error);
    if (!error) sink_.on_accept(LooseSocket(std::move(socket)), peer.address(), std::move(*permit));
  }
}

}  // namespace reachback::net
