#include "core/deadline_table.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

using namespace reachback::core;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

/// The table beside a multimap that does the same slowly.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}

  void step() {
    switch (random_() % 6) {
      case 0:
      case 1:
      case 2:
        add();
        break;
      case 3:
        move();
        break;
      case 4:
        remove();
        break;
      default:
        pop();
        break;
    }
    REQUIRE(table_.size() == times_.size());
    REQUIRE(table_.empty() == times_.empty());
    auto const first = times_.empty() ? std::nullopt : std::optional(times_.begin()->first);
    REQUIRE(table_.next() == first);
  }

 private:
  using Table = DeadlineTable<int>;
  struct Known {
    Table::Handle handle;
    std::multimap<TimePoint, int>::iterator place;
  };

  TimePoint any_time() { return start + std::chrono::milliseconds(random_() % 200); }

  void add() {
    TimePoint const when = any_time();
    int const value = ++last_;
    known_.emplace(value, Known{table_.add(when, value), times_.emplace(when, value)});
  }
  void move() {
    if (known_.empty()) return;
    auto& [value, known] = *pick();
    TimePoint const when = any_time();
    REQUIRE(table_.move(known.handle, when));
    times_.erase(known.place);
    known.place = times_.emplace(when, value);
  }
  void remove() {
    if (known_.empty()) return;
    auto const at = pick();
    REQUIRE(table_.remove(at->second.handle));
    forget(at);
  }
  void pop() {
    TimePoint const now = any_time();
    auto const value = table_.pop_due(now);
    REQUIRE(value.has_value() == (!times_.empty() && times_.begin()->first <= now));
    if (!value) return;
    auto const at = known_.find(*value);
    REQUIRE(at != known_.end());
    REQUIRE(at->second.place->first == times_.begin()->first);
    forget(at);
  }
  void forget(std::map<int, Known>::iterator at) {
    auto const stale = at->second.handle;
    times_.erase(at->second.place);
    known_.erase(at);
    REQUIRE_FALSE(table_.remove(stale));
    REQUIRE_FALSE(table_.move(stale, start));
  }
  std::map<int, Known>::iterator pick() {
    return std::next(known_.begin(), static_cast<std::ptrdiff_t>(random_() % known_.size()));
  }

  std::mt19937 random_;
  Table table_;
  std::multimap<TimePoint, int> times_;
  std::map<int, Known> known_;
  int last_ = 0;
};

}  // namespace

TEST_SUITE("deadline table") {
  TEST_CASE("random operations agree with a multimap") {
    for (unsigned seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      Model model(seed);
      for (int step = 0; step < 5000; ++step) model.step();
    }
  }

  TEST_CASE("an empty table has nothing due") {
    DeadlineTable<int> table;
    CHECK(table.empty());
    CHECK_FALSE(table.next().has_value());
    CHECK_FALSE(table.pop_due(start).has_value());
    CHECK_FALSE(table.remove({}));
  }

  TEST_CASE("an entry is due at its time and not a tick before") {
    DeadlineTable<int> table;
    static_cast<void>(table.add(start, 1));
    CHECK_FALSE(table.pop_due(start - 1ns).has_value());
    CHECK(table.pop_due(start) == 1);
  }

  TEST_CASE("entries with one deadline all come out") {
    DeadlineTable<int> table;
    for (int i = 0; i < 10; ++i) static_cast<void>(table.add(start, i));
    std::set<int> popped;
    while (auto const value = table.pop_due(start)) popped.insert(*value);
    CHECK(popped.size() == 10);
  }

  TEST_CASE("the handle of an entry that is gone does not match the one that took its place") {
    DeadlineTable<int> table;
    auto const old = table.add(start, 1);
    CHECK(table.remove(old));
    auto const fresh = table.add(start, 2);
    CHECK(fresh.slot == old.slot);
    CHECK_FALSE(table.remove(old));
    CHECK_FALSE(table.move(old, start + 1s));
    CHECK(table.next() == start);
    CHECK(table.pop_due(start) == 2);
  }

  TEST_CASE("a value lives as long as its entry and no longer") {
    DeadlineTable<std::shared_ptr<int>> table;
    auto const value = std::make_shared<int>(1);
    auto const handle = table.add(start, value);
    CHECK(value.use_count() == 2);
    CHECK(table.remove(handle));
    CHECK(value.use_count() == 1);
  }
}
