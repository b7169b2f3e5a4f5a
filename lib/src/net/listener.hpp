#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "core/budget.hpp"
#include "net/tcp.hpp"

namespace reachback::net {

/// Takes accepted sockets, on the listener's shard.
class AcceptSink {
 public:
  /// The permit is the socket's share of the connection limit; `peer` is who connected.
  virtual void on_accept(LooseSocket socket, asio::ip::address const& peer, core::Permit permit) = 0;
  /// No permit is left: whoever connects waits in the kernel's queue until one is. Once each time.
  virtual void on_full() = 0;
  /// Nobody can be accepted, for want of descriptors say. Once, until somebody is again.
  virtual void on_failure(error_code error) = 0;

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
  bool full_ = false;
  bool failing_ = false;
  bool stopped_ = false;
};

}  // namespace reachback::net
