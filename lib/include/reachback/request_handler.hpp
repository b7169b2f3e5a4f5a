#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "reachback/errors.hpp"
#include "reachback/gateway.hpp"

namespace reachback {

/// What `prepare_request` arranged.
struct PreparedRequest {
  CallId call_id{};
  ConnectionId connection{};
  std::string message;  ///< the caller's message with its `callId`
};

/// One message of an answer, as the service sent it, with the seed's key `incomplete` added.
struct Response {
  CallId call_id{};
  bool incomplete = false;  ///< more parts follow: ask again with the same `callId` and `incomplete: true`
  std::string message;
};

/// Calls to the remote services of one endpoint, for threads (the seed's RequestHandler(name, ioLoopInst)): a
/// thin facade over the one way that every call takes. Each function blocks its thread, which must not be a
/// shard's; any number of threads may use one handler. Destroying it ends its calls. The gateway outlives it.
class RequestHandler {
 public:
  RequestHandler(std::string name, Gateway& gateway);
  ~RequestHandler();
  RequestHandler(RequestHandler const&) = delete;
  RequestHandler& operator=(RequestHandler const&) = delete;

  /// The seed's doRequest(msg, timeout): sends the JSON object and waits for the (next part of the) answer. A
  /// message with `incomplete: true` and a `callId` sends nothing and waits for the next part of that call. A
  /// call whose time runs out is over, at once and for good: `timed_out`, with a text that names the request
  /// without its payload. A connection that closes meanwhile is no failure here but the seed's message with
  /// status 499.
  Result<Response> do_request(std::string_view message,
                              std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  /// The seed's prepare_request(msg): chooses the newest connection and gives the message its `callId`,
  /// without sending. Until somebody waits in `get_response`, it is kept for `unfetched` seconds (300).
  Result<PreparedRequest> prepare_request(std::string_view message);

  /// The seed's callback(client, message): an answer that came some other way than over the connection
  /// itself, e.g. from a handler of one's own. `from` is the connection that the request went to; else it is
  /// dropped. A text without `cmd`, `status` or `callId` is a `bad_answer`.
  Result<void> callback(ConnectionId from, std::string_view message);

  /// The seed's get_response(callId, timeout): waits for the next message of the answer. `no_connection` when
  /// there is no such call (any more).
  Result<Response> get_response(CallId call_id,
                                std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  /// The seed's close_pending_requests(): ends every call of this handler; who waits gets the message with
  /// status 499.
  void close_pending_requests();

  /// The seed's pruneCallbacks(): removes the calls that nobody has fetched for too long. Never one that
  /// someone awaits. Runs by itself at most every 60 s; returns how many were removed.
  std::size_t prune_callbacks();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reachback
