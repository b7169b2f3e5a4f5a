#pragma once

#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/shard.hpp"

namespace reachback::gateway {

/// Runs `function` on a shard for a thread that is none; the future has its result, or std::future_error
/// (broken promise) when the shard ended before.
template <class Function>
[[nodiscard]] auto ask(async::Shard& shard, Function function)
    -> std::future<std::invoke_result_t<Function&>> {
  std::promise<std::invoke_result_t<Function&>> promise;
  auto future = promise.get_future();
  shard.post([promise = std::move(promise), function = std::move(function)]() mutable {
    promise.set_value(function());
  });
  return future;
}

}  // namespace reachback::gateway
