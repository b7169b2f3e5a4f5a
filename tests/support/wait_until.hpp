#pragma once

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace reachback::test {

/// Longer than anything takes on a busy machine under a sanitizer; what takes longer hangs.
inline constexpr std::chrono::seconds patience{60};

/// Looks again and again until the condition holds; false when it doesn't within the test's patience. For
/// observing what will come by itself, never for letting time pass.
template <class Condition>
[[nodiscard]] bool wait_until(Condition const& condition) {
  auto const end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

template <class T>
[[nodiscard]] bool is_ready(std::future<T> const& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

/// The future's value; throws when it doesn't come within the test's patience.
template <class T>
T value_of(std::future<T>& future) {
  if (future.wait_for(patience) != std::future_status::ready) throw std::runtime_error("nothing came of it");
  return future.get();
}

}  // namespace reachback::test
