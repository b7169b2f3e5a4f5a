#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <optional>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "client/answering.hpp"
#include "client/credit_window.hpp"
#include "client/log.hpp"
#include "core/budget.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/remote_service.hpp"

namespace reachback::client {

/// Bounds of the work in hand.
struct PoolLimits {
  unsigned workers = 4;
  std::size_t waiting_requests = 1000;     ///< that no worker has begun
  std::size_t request_bytes = 128u << 20;  ///< of all requests in hand
  /// Of all parts that are being made or wait to be sent. A part costs up to 2.5 times its message while it
  /// is made.
  std::size_t answer_bytes = 42u << 20;
};

/// The workers that answer requests. Requests come in and answers go out on the shard; between the two,
/// worker threads make the parts, each one only when there is room for it. An answer belongs to the
/// connection that brought the request: when that is gone, the worker abandons it at its next part.
///
/// All members are for the shard's thread; it dies on any, once that has ended.
class RequestPool {
 public:
  RequestPool(async::Shard& shard, ServiceFunction function, PoolLimits const& limits, Log log);
  /// Joins the workers: call `drain` before.
  ~RequestPool() = default;
  RequestPool(RequestPool const&) = delete;
  RequestPool& operator=(RequestPool const&) = delete;

  /// Answers go to `connection` from now on, until `leave`.
  void open(net::WebSocketConnection& connection) { connection_ = &connection; }
  void leave();
  /// A message from the connection. Beyond the limits it is answered with status 503 at once.
  void take(core::Buffer request);
  /// Returns when no worker is at work and nothing of theirs is on its way. Not cancellable: a worker ends
  /// when the function returns and, after `leave`, at its next part.
  [[nodiscard]] async::Task<> drain();

 private:
  class Line;
  class Credit;

  void work(proto::ConnectionId from, core::Buffer request);
  void refuse(std::string_view request);
  void ask(proto::ConnectionId from, std::size_t bytes, CreditWindow::Reply reply);
  void send(proto::ConnectionId from, std::string message, Credit credit);
  void finished();
  [[nodiscard]] bool is_open(proto::ConnectionId id) const {
    return connection_ != nullptr && connection_->id() == id;
  }

  async::Shard& shard_;
  ServiceFunction const function_;
  Log const log_;
  std::size_t const most_in_hand_;
  core::Budget request_bytes_;
  CreditWindow window_;
  net::WebSocketConnection* connection_ = nullptr;  ///< null between two connections
  std::size_t in_hand_ = 0;
  async::Signal idle_;
  boost::asio::thread_pool workers_;  ///< last: joined before anything that they use dies
};

}  // namespace reachback::client
