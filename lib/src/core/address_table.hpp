#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/budget.hpp"

namespace reachback::core {

/// How many connections each client address holds. For one thread, but the permits may die on any. An address
/// that holds nothing is forgotten, a few with each one that is new.
class AddressTable {
 public:
  /// Beyond its limit an address may hold so many more that are only told so.
  static constexpr std::size_t told = 8;

  /// A share of an address's connections.
  struct Place {
    Permit permit;
    bool within = true;  ///< else it is over the limit
  };

  explicit AddressTable(std::size_t limit) : limit_(limit) {}

  /// Nothing when not even the refusal has room.
  [[nodiscard]] std::optional<Place> enter(std::string const& address);

  /// What the address with the most holds, refused ones included.
  [[nodiscard]] std::size_t most() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t limit() const { return limit_; }

 private:
  struct Entry {
    explicit Entry(std::size_t limit) : within(limit), over(told) {}
    [[nodiscard]] std::size_t held() const { return within.used() + over.used(); }
    Budget within, over;
  };
  using Entries = std::unordered_map<std::string, Entry>;

  void forget_some();

  std::size_t const limit_;
  Entries entries_;
  std::deque<Entries::value_type*> round_;  ///< all entries, in the order in which they are looked at
};

}  // namespace reachback::core
