#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "core/budget.hpp"
#include "core/buffer.hpp"

namespace reachback::net {

namespace asio = boost::asio;
using async::error_code;
using async::Task;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, async::Executor>;
using Acceptor = asio::basic_socket_acceptor<Tcp, async::Executor>;

/// An open TCP socket between two shards: belongs to none, with no operation pending. Closed when it dies.
class LooseSocket {
 public:
  /// Takes the socket off its shard.
  explicit LooseSocket(Socket socket);
  LooseSocket(LooseSocket&& other) noexcept;
  LooseSocket& operator=(LooseSocket&& other) noexcept;
  ~LooseSocket();

  /// Makes it a socket of that shard; call on its thread. Non-blocking from then on.
  [[nodiscard]] Socket attach(async::Shard& shard) &&;

 private:
  Tcp protocol_;
  int handle_ = -1;
};

/// Small answers leave at once, and little stands unsent in the kernel, so that a pong gets past a big
/// message.
void tune(Socket& socket);

/// Bytes that the peer has not acknowledged yet; 0 when the system does not say.
[[nodiscard]] std::size_t unacknowledged_bytes(Socket& socket);

/// The soft limit of open files of this process.
[[nodiscard]] std::size_t open_file_limit();

}  // namespace reachback::net
