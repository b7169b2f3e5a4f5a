#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "bench/io/loop.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// Turns the loop until it is true; throws std::runtime_error with the sentence when that takes too long.
void turn_until(Loop& loop, std::function<bool()> const& done, std::string_view sentence);

/// WebSockets that join an endpoint and stay; they count what they receive. The loop owns them.
class Crowd {
 public:
  /// Returns when all have joined.
  Crowd(Loop& loop, Options const& options, std::string_view endpoint, std::size_t size);

  /// Each message received is given to this.
  void on_message(std::function<void(std::string_view)> taken) { taken_ = std::move(taken); }

 private:
  class Member;
  std::function<void(std::string_view)> taken_;
};

}  // namespace reachback::bench
