#pragma once

#include <future>
#include <memory>
#include <string>
#include <unordered_map>

#include "async/task_group.hpp"
#include "gateway/caller.hpp"
#include "gateway/core.hpp"
#include "gateway/endpoint.hpp"
#include "reachback/request_handler.hpp"

namespace reachback::gateway {

/// The calls of one RequestHandler, on the shard of its endpoint: each a Caller whose parts wait until a
/// thread fetches them. Made anywhere, used and ended on the shard.
class RequestDesk {
 public:
  /// One message of a call as it came, or the final one as the seed has it. What a thread waits for: it makes
  /// a `Response` of it, so that no shard copies big messages.
  struct Message {
    CallId id{};
    bool incomplete = false;
    core::Buffer text;
  };
  using Answer = std::promise<Result<Message>>;

  RequestDesk(Core& core, Endpoint& endpoint);

  /// Begins a call, and sends `message`, which has been checked, unless it is only prepared: then it is null.
  /// `description` is the request's, for a time-out; `timeout` is what a service is told that asks for it.
  [[nodiscard]] Result<core::CallPlacement> begin(std::string description,
                                                  proto::CheckedRequest const& checked,
                                                  std::unique_ptr<core::Buffer> message,
                                                  core::Duration timeout);
  /// Fulfils `answer` with the next message of the call, which is taken thereby: a paced service may send one
  /// more.
  void fetch(CallId id, core::Duration timeout, Answer answer);
  /// Ends every call; who waits gets the message of a closed connection.
  void close_all();
  /// Removes calls that nobody has fetched for too long.
  std::size_t prune();
  /// Ends every call and returns when nobody waits any more.
  [[nodiscard]] async::Task<> end();

 private:
  struct Call {
    Call(ShardScope& scope) : caller(scope.shard, scope.callers) {}
    Caller caller;
    std::string description;
    core::TimePoint touched;
    bool awaited = false;
  };

  [[nodiscard]] async::Task<> serve_fetch(CallId id, core::Duration timeout, Answer answer);
  [[nodiscard]] Result<Message> message_of(CallId id, Call& call, CallEvent event, core::Duration timeout);
  [[nodiscard]] bool is_stale(Call const& call) const;
  void prune_sometimes();

  Core& core_;
  Endpoint& endpoint_;
  ShardScope& scope_;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls_;
  core::TimePoint next_prune_{};
  async::TaskGroup tasks_;
};

}  // namespace reachback::gateway
