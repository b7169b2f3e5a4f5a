#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "client/log.hpp"
#include "client/room_window.hpp"
#include "core/budget.hpp"
#include "core/credit.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/remote_service.hpp"

namespace reachback::client {

/// Bounds of the work in hand.
struct PoolLimits {
  unsigned workers = 4;
  std::size_t waiting_requests = 1000;     ///< that no worker has begun, or that wait for credit
  std::size_t request_bytes = 128u << 20;  ///< of all requests in hand
  /// Of all parts that are being made or wait to be sent. A part costs up to 2.5 times its message while it
  /// is made.
  std::size_t answer_bytes = 42u << 20;
};

/// The workers that answer requests. Requests come in and answers go out on the shard; between the two,
/// worker threads make the parts, each one only when there is room for it. An answer belongs to the
/// connection that brought the request: when that is gone, the worker abandons it at its next part.
///
/// On a connection that speaks `reachback.v1` an answer whose next part is not allowed yet is put aside, with
/// no worker and no room, until there is credit; then a worker takes it up again, behind the requests that
/// came meanwhile. So slow callers hold up nobody, but they count as requests in hand.
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
  void open(net::WebSocketConnection& connection, core::Pacing pacing) {
    connection_ = &connection;
    pacing_ = pacing;
  }
  void leave();
  /// A message from the connection. Beyond the limits it is answered with status 503 at once.
  void take(core::Buffer request);
  /// The gateway allows so many more parts of an answer. Unknown ones, e.g. finished ones, are passed over.
  void credit(proto::CallId answer, std::uint32_t parts);
  /// Nobody waits for that answer any more: it is abandoned where it waits, before it begins, or at its next
  /// part.
  void cancel(proto::CallId answer);
  /// Returns when no worker is at work and nothing of theirs is on its way. Not cancellable: a worker ends
  /// when the function returns and, after `leave`, at its next part.
  [[nodiscard]] async::Task<> drain();

 private:
  class Line;
  class Share;
  struct Work;
  /// Owned by the work's next step, be it on a worker or on the shard; and by `paced_`, where the gateway's
  /// messages find it.
  using SharedWork = std::shared_ptr<Work>;

  void give_to_worker(SharedWork work, std::uint32_t parts);
  void go_on(SharedWork work, std::uint32_t parts);
  static void abandon(Work& work);
  void refuse(std::string_view request);
  void ask(Work const& work, std::size_t bytes, RoomWindow::Reply reply);
  void send(Work const& work, std::string message, Share share);
  void finished(SharedWork const& work);
  [[nodiscard]] bool is_wanted(Work const& work) const;

  async::Shard& shard_;
  ServiceFunction const function_;
  Log const log_;
  std::size_t const most_in_hand_;
  core::Budget request_bytes_;
  RoomWindow window_;
  net::WebSocketConnection* connection_ = nullptr;  ///< null between two connections
  core::Pacing pacing_ = core::Pacing::none;        ///< of that connection
  std::unordered_multimap<proto::CallId, SharedWork> paced_;
  std::size_t in_hand_ = 0;
  async::Signal idle_;
  boost::asio::thread_pool workers_;  ///< last: joined before anything that they use dies
};

}  // namespace reachback::client
