#include "async/clock.hpp"

namespace reachback::async {
namespace {

class SteadyClock final : public Clock {
 public:
  core::TimePoint now() const override { return std::chrono::steady_clock::now(); }
  bool moved_by_hand(std::function<void()>) override { return false; }
};

}  // namespace

Clock& steady_clock() {
  static SteadyClock clock;
  return clock;
}

}  // namespace reachback::async
