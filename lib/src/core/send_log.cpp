#include "core/send_log.hpp"

namespace reachback::core {

using proto::Delivery;

void SendLog::framed(MessageNumber number, std::uint64_t begin, std::uint64_t end) {
  if (!entries_.empty() && entries_.back().last == number) {
    entries_.back().end = end;
    return;
  }
  if (size() >= compact_at_) compact();
  entries_.push_back({.first = number, .last = number, .begin = begin, .end = end, .complete = false});
}

void SendLog::completed(MessageNumber number) {
  if (entries_.empty() || entries_.back().last != number) return;
  entries_.back().complete = true;
  forget_acknowledged();
}

void SendLog::acknowledged(std::uint64_t offset) {
  acknowledged_ = std::max(acknowledged_, offset);
  forget_acknowledged();
}

Delivery SendLog::delivery(MessageNumber number, bool untouched) const {
  if (number == MessageNumber::none || untouched) return Delivery::not_sent;
  if (number <= forgotten_) return Delivery::sent;
  auto const entry = std::lower_bound(first(), entries_.end(), number,
                                      [](Entry const& e, MessageNumber wanted) { return e.last < wanted; });
  // Only what was acknowledged leaves the log, so a number that is not in it was never framed.
  if (entry == entries_.end() || number < entry->first) return Delivery::not_sent;
  return given_ <= entry->begin ? Delivery::not_sent : Delivery::unknown;
}

void SendLog::forget_acknowledged() {
  while (size() != 0 && first()->complete && first()->end <= acknowledged_) {
    forgotten_ = first()->last;
    ++gone_;
  }
  if (size() == 0) {
    // A connection may rest for long now, and there are many.
    std::vector<Entry>().swap(entries_);
    gone_ = 0;
  } else if (gone_ > size()) {
    erase_gone();
  }
}

void SendLog::erase_gone() {
  entries_.erase(entries_.begin(), first());
  gone_ = 0;
}

void SendLog::compact() {
  erase_gone();
  // Two neighbouring groups are always larger than the grain together, so about 1,000 of them remain.
  std::uint64_t const in_flight = given_ - std::min(given_, acknowledged_);
  std::uint64_t const grain = in_flight / 512;
  auto kept = entries_.begin();
  for (auto next = kept + 1; next != entries_.end(); ++next) {
    if (given_whole(*kept) && given_whole(*next) && next->end - kept->begin <= grain) {
      kept->last = next->last;
      kept->end = next->end;
    } else {
      *++kept = *next;
    }
  }
  entries_.erase(kept + 1, entries_.end());
  compact_at_ = std::max(exact_entries, 2 * entries_.size());
}

}  // namespace reachback::core
