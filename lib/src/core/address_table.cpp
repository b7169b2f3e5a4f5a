#include "core/address_table.hpp"

#include <algorithm>

namespace reachback::core {

std::optional<AddressTable::Place> AddressTable::enter(std::string const& address) {
  auto const [found, is_new] = entries_.try_emplace(address, limit_);
  Entry& entry = found->second;
  std::optional<Place> place;
  if (auto permit = entry.within.acquire(1)) {
    place = Place{std::move(*permit), true};
  } else if (auto beyond = entry.over.acquire(1)) {
    place = Place{std::move(*beyond), false};
  }
  if (is_new) {
    // Before it joins the round, or it could be looked at twice.
    forget_some();
    round_.push_back(&*found);
  }
  return place;
}

// Two for each that is added: so at most about as many are empty as are not.
void AddressTable::forget_some() {
  for (int i = 0; i < 2 && !round_.empty(); ++i) {
    auto* const entry = round_.front();
    round_.pop_front();
    if (entry->second.held() == 0) {
      entries_.erase(entries_.find(entry->first));
    } else {
      round_.push_back(entry);
    }
  }
}

std::size_t AddressTable::most() const {
  std::size_t most = 0;
  for (auto const& [address, entry] : entries_) most = std::max(most, entry.held());
  return most;
}

}  // namespace reachback::core
