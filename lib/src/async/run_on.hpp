#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/shard.hpp"
#include "async/signal.hpp"

namespace reachback::async {

/// Runs `function` on another shard and brings its result back; at once when `target` is this one. Both
/// shards live until the result is there. `function` must not throw and not return void. A cancelled waiter
/// throws operation_aborted, as every coroutine does at its next await; the function still runs.
template <class Function>
[[nodiscard]] Task<std::invoke_result_t<Function&>> run_on(Shard& target, Function function) {
  using Result = std::invoke_result_t<Function&>;
  if (target.runs_here()) co_return function();
  struct Answer {
    explicit Answer(Executor executor) : ready(executor) {}
    std::optional<Result> result;
    Signal ready;
  };
  Shard& home = *Shard::current();
  // Owned by the coroutine that waits and by the message on its way: either may be the last.
  auto const answer = std::make_shared<Answer>(home.strand());
  target.post([&home, answer, function = std::move(function)]() mutable {
    home.post([answer, result = function()]() mutable {
      answer->result.emplace(std::move(result));
      answer->ready.notify();
    });
  });
  while (!answer->result) co_await answer->ready.wait();
  Result result = std::move(answer->result).value();
  co_return result;
}

}  // namespace reachback::async
