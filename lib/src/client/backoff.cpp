#include "client/backoff.hpp"

#include <algorithm>

namespace reachback::client {

Backoff::Backoff(Duration first, Duration longest)
    : first_(std::max(first, Duration(1))), longest_(std::max(longest, first_)), step_(first_) {}

Backoff::Duration Backoff::next(std::mt19937_64& random) {
  std::uniform_int_distribution<Duration::rep> pause((step_.count() + 1) / 2, step_.count());
  step_ = step_ > longest_ / 2 ? longest_ : step_ * 2;
  return Duration(pause(random));
}

}  // namespace reachback::client
