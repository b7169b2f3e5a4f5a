#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/shard.hpp"
#include "async/signal.hpp"

namespace reachback::async {

/// Starts something on a shard that gives its result later, and waits for it: `function` is called there with
/// a `reply` that it calls once, on that shard, then or later. Both shards live until then. Neither may
/// throw. A cancelled waiter throws operation_aborted, as every coroutine does at its next await; the
/// function still runs.
template <class Result, class Function>
[[nodiscard]] Task<Result> call_on(Shard& target, Function function) {
  struct Answer {
    explicit Answer(Executor executor) : ready(executor) {}
    std::optional<Result> result;
    Signal ready;
  };
  Shard& home = *Shard::current();
  // Owned by the coroutine that waits and by the reply on its way: either may be the last.
  auto const answer = std::make_shared<Answer>(home.strand());
  auto const reply = [&home, answer](Result result) {
    home.dispatch([answer, result = std::move(result)]() mutable {
      answer->result.emplace(std::move(result));
      answer->ready.notify();
    });
  };
  target.dispatch([reply, function = std::move(function)]() mutable { function(reply); });
  while (!answer->result) co_await answer->ready.wait();
  Result result = std::move(answer->result).value();
  co_return result;
}

/// Runs `function` on a shard and brings its result back; at once when it is this one. Otherwise like
/// `call_on`. `function` must not return void.
template <class Function>
[[nodiscard]] Task<std::invoke_result_t<Function&>> run_on(Shard& target, Function function) {
  using Result = std::invoke_result_t<Function&>;
  if (target.runs_here()) co_return function();
  auto reply_at_once = [function = std::move(function)](auto const& reply) mutable { reply(function()); };
  Result result = co_await call_on<Result>(target, std::move(reply_at_once));
  co_return result;
}

}  // namespace reachback::async
