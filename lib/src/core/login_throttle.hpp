#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/deadline_table.hpp"

namespace reachback::core {

/// Remembers failed log-ins for as long as they make others wait: after one, that user has to from that
/// address; after `failures_per_address` from one address, everybody there has to. So nobody keeps a user
/// out by failing in that name, and nobody tries many names or passwords. Pure.
class LoginThrottle {
 public:
  static constexpr unsigned failures_per_address = 10;
  /// Of users and addresses; over it the oldest are forgotten.
  static constexpr std::size_t most_remembered = 20'000;

  /// `pause` is how long a failure makes others wait.
  explicit LoginThrottle(Duration pause) : pause_(pause) {}

  /// How long the user has yet to wait there; 0 when a try may be made.
  [[nodiscard]] Duration wait(std::string_view user, std::string_view address, TimePoint now) const;
  void failed(std::string_view user, std::string_view address, TimePoint now);
  [[nodiscard]] std::size_t remembered() const { return failures_.size(); }

 private:
  struct Failures {
    TimePoint until;
    unsigned count = 0;
  };

  [[nodiscard]] Duration wait(std::string const& key, unsigned failures, TimePoint now) const;
  void remember(std::string key, TimePoint now);

  Duration const pause_;
  std::unordered_map<std::string, Failures> failures_;
  std::deque<std::pair<TimePoint, std::string>> ends_;  ///< of all failures, in order
};

}  // namespace reachback::core
