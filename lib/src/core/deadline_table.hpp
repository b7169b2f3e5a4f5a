#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace reachback::core {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Points in time, each with a value, the earliest first: a heap whose entries know their place, so that
/// moving and removing cost O(log n), and adding one that is later than all others costs O(1). Pure; the
/// clock is a parameter.
template <class Value>
class DeadlineTable {
 public:
  /// Names an entry. A handle of an entry that is gone matches nothing.
  struct Handle {
    std::uint32_t slot = UINT32_MAX;
    std::uint32_t generation = 0;
  };

  [[nodiscard]] Handle add(TimePoint when, Value value) {
    std::uint32_t const slot = take_slot();
    slots_[slot].value.emplace(std::move(value));
    slots_[slot].place = heap_.size();
    heap_.push_back({when, slot});
    rise(heap_.size() - 1);
    return {slot, slots_[slot].generation};
  }

  /// False when the entry is gone already.
  bool move(Handle handle, TimePoint when) {
    if (!alive(handle)) return false;
    std::size_t const at = slots_[handle.slot].place;
    bool const later = when > heap_[at].when;
    heap_[at].when = when;
    later ? sink(at) : rise(at);
    return true;
  }

  bool remove(Handle handle) {
    if (!alive(handle)) return false;
    take_at(slots_[handle.slot].place);
    return true;
  }

  [[nodiscard]] std::optional<TimePoint> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

  /// Removes and returns the earliest entry that is due at `now`.
  [[nodiscard]] std::optional<Value> pop_due(TimePoint now) {
    if (heap_.empty() || heap_.front().when > now) return std::nullopt;
    return take_at(0);
  }

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    TimePoint when;
    std::uint32_t slot;
  };
  struct Slot {
    std::optional<Value> value;
    std::size_t place = 0;
    std::uint32_t generation = 0;
  };

  [[nodiscard]] bool alive(Handle handle) const {
    return handle.slot < slots_.size() && slots_[handle.slot].generation == handle.generation &&
           slots_[handle.slot].value.has_value();
  }

  std::uint32_t take_slot() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    std::uint32_t const slot = free_.back();
    free_.pop_back();
    return slot;
  }

  Value take_at(std::size_t at) {
    std::uint32_t const slot = heap_[at].slot;
    Entry const last = heap_.back();
    heap_.pop_back();
    if (at < heap_.size()) {
      put(at, last);
      rise(at);
      sink(slots_[last.slot].place);
    }
    Value value = std::move(*slots_[slot].value);
    slots_[slot].value.reset();
    ++slots_[slot].generation;
    free_.push_back(slot);
    return value;
  }

  void put(std::size_t at, Entry entry) {
    heap_[at] = entry;
    slots_[entry.slot].place = at;
  }

  void rise(std::size_t at) {
    Entry const entry = heap_[at];
    while (at > 0 && entry.when < heap_[(at - 1) / 2].when) {
      put(at, heap_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
    put(at, entry);
  }

  void sink(std::size_t at) {
    Entry const entry = heap_[at];
    for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
      if (entry.when <= heap_[child].when) break;
      put(at, heap_[child]);
      at = child;
    }
    put(at, entry);
  }

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace reachback::core
