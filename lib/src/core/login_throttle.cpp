#include "core/login_throttle.hpp"

#include <algorithm>

namespace reachback::core {
namespace {

/// No address holds a space, so the two cannot be mixed up.
std::string key_of(std::string_view user, std::string_view address) {
  std::string key(address);
  key += ' ';
  key += user;
  return key;
}

}  // namespace

Duration LoginThrottle::wait(std::string_view user, std::string_view address, TimePoint now) const {
  return std::max(wait(key_of(user, address), 1, now), wait(std::string(address), failures_per_address, now));
}

Duration LoginThrottle::wait(std::string const& key, unsigned failures, TimePoint now) const {
  auto const found = failures_.find(key);
  if (found == failures_.end() || found->second.count < failures || found->second.until <= now)
    return Duration(0);
  return std::chrono::ceil<Duration>(found->second.until - now);
}

void LoginThrottle::failed(std::string_view user, std::string_view address, TimePoint now) {
  remember(key_of(user, address), now);
  remember(std::string(address), now);
}

void LoginThrottle::remember(std::string key, TimePoint now) {
  auto& failures = failures_[key];
  ++failures.count;
  failures.until = now + pause_;
  ends_.emplace_back(failures.until, std::move(key));
  while (!ends_.empty() && (ends_.front().first <= now || ends_.size() > most_remembered)) {
    // One that failed again since has a later end in the queue.
    auto const found = failures_.find(ends_.front().second);
    if (found != failures_.end() && found->second.until == ends_.front().first) failures_.erase(found);
    ends_.pop_front();
  }
}

}  // namespace reachback::core
