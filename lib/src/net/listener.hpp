#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "core/budget.hpp"
#include "net/tcp.hpp"

namespace reachback::net {

/// Takes accepted sockets, on the listener's shard. The permit is the socket's share of the connection limit.
class AcceptSink {
 public:
  virtual void on_accept(LooseSocket socket, core::Permit permit) = 0;

 protected:
  ~AcceptSink() = default;
};

/// Accepts connections on one address. It takes a permit before it accepts, so that what is over the limit
/// waits in the kernel's queue; and it backs off, but never ends, when the system is out of descriptors or
/// memory. On one shard.
class Listener {
 public:
  /// Throws boost::system::system_error when the address cannot be listened on.
  Listener(async::Shard& shard, Tcp::endpoint const& address, core::Budget& connections, AcceptSink& sink);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Accepts until `stop`.
  [[nodiscard]] Task<> run();
  /// Gives away who stands in the kernel's queue, then listens no more.
  void stop();

 private:
  [[nodiscard]] Task<> back_off();
  void take_all();

  Acceptor acceptor_;
  std::uint16_t port_;
  core::Budget& connections_;
  AcceptSink& sink_;
  async::Signal retry_;
  async::Deadline retry_at_;
  bool stopped_ = false;
};

}  // namespace reachback::net
