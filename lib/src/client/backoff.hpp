#pragma once

#include <chrono>
#include <random>

namespace reachback::client {

/// How long to wait before the next try to connect. Pure; the randomness is the caller's.
class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  /// The step starts at `first` and doubles up to `longest`; neither is less than 1 ms.
  Backoff(Duration first, Duration longest);

  /// The next pause: at random between half of the step and all of it, so that services that lost the same
  /// gateway don't come back in one instant. The step then grows.
  [[nodiscard]] Duration next(std::mt19937_64& random);
  /// The next step is the first again.
  void reset() { step_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration step_;
};

}  // namespace reachback::client
