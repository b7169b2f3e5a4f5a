#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "client/answer_id.hpp"
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

/// The workers that answer requests, of one or several connections. Requests come in and answers go out on
/// the shard; between the two, worker threads make the parts, each one only when there is room for it. An
/// answer belongs to the connection that brought the request: when that is gone, the worker abandons it at
/// its next part.
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

  /// Requests of `connection` are taken from now on, until `leave`. `done` is called whenever all that came
  /// until then has been answered (see `done_with`), never from inside another call.
  void open(net::WebSocketConnection& connection, core::Pacing pacing, std::function<void()> done);
  void leave(proto::ConnectionId connection);
  /// A message from a connection. Beyond the limits it is answered with status 503 at once.
  void take(proto::ConnectionId from, core::Buffer request);
  /// The gateway allows so many more parts of an answer. Unknown ones, e.g. finished ones, are passed over.
  void credit(AnswerId const& answer, std::uint32_t parts);
  /// Nobody waits for that answer any more: it is abandoned where it waits, before it begins, or at its next
  /// part.
  void cancel(AnswerId const& answer);
  /// Whether no request of that connection is in hand and no answer waits in its outbox.
  [[nodiscard]] bool done_with(proto::ConnectionId connection) const;
  /// Returns when no worker is at work and nothing of theirs is on its way. Not cancellable: a worker ends
  /// when the function returns and, after `leave`, at its next part.
  [[nodiscard]] async::Task<> drain();

 private:
  class WorkerLine;
  class Share;
  struct Work;
  /// Owned by the work's next step, be it on a worker or on the shard; and by `paced_`, where the gateway's
  /// messages find it.
  using SharedWork = std::shared_ptr<Work>;

  /// A connection that is open.
  struct Line {
    net::WebSocketConnection* connection;
    core::Pacing pacing;
    std::function<void()> done;
    std::size_t in_hand = 0;  ///< requests
  };

  void give_to_worker(SharedWork work, std::uint32_t parts);
  void go_on(SharedWork work, std::uint32_t parts);
  static void abandon(Work& work);
  void refuse(net::WebSocketConnection& connection, std::string_view request);
  void ask(Work const& work, std::size_t bytes, RoomWindow::Reply reply);
  void send(Work const& work, std::string message, Share share);
  [[nodiscard]] static bool send_to(net::WebSocketConnection& connection, std::string message, Share share);
  void finished(SharedWork const& work);
  void give_back(proto::ConnectionId connection, std::size_t bytes);
  void tell_if_done(proto::ConnectionId connection) const;
  /// Null when nobody waits for that answer any more.
  [[nodiscard]] net::WebSocketConnection* taker_of(Work const& work) const;

  async::Shard& shard_;
  ServiceFunction const function_;
  Log const log_;
  std::size_t const most_in_hand_;
  core::Budget request_bytes_;
  RoomWindow window_;
  std::unordered_map<proto::ConnectionId, Line> lines_;
  std::unordered_multimap<AnswerId, SharedWork, AnswerIdHash> paced_;
  std::size_t in_hand_ = 0;
  async::Signal idle_;
  boost::asio::thread_pool workers_;  ///< last: joined before anything that they use dies
};

}  // namespace reachback::client
