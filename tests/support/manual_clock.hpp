#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "async/clock.hpp"

namespace reachback::test {

/// Time that stands still until a test moves it. After a move each shard looks for deadlines that are due, in
/// its own thread: a test waits for what they bring about.
class ManualClock final : public async::Clock {
 public:
  [[nodiscard]] core::TimePoint now() const override { return core::TimePoint(core::Duration(now_.load())); }
  [[nodiscard]] bool moved_by_hand(std::function<void()> changed) override {
    changed_.push_back(std::move(changed));
    return true;
  }

  void advance(core::Duration duration) {
    now_.fetch_add(duration.count());
    for (auto const& changed : changed_) changed();
  }

 private:
  std::atomic<core::Duration::rep> now_{core::Duration(std::chrono::hours(1)).count()};
  std::vector<std::function<void()>> changed_;
};

}  // namespace reachback::test
