#include "reachback/proto/part_tracker.hpp"

namespace reachback::proto {

namespace {

constexpr std::int64_t status_ok = 200;
constexpr std::size_t bits = 64;

}  // namespace

PartVerdict PartTracker::accept(Answer const& answer) {
  auto const bad = [this](char const* fault) {
    fault_ = fault;
    return PartVerdict::bad;
  };
  if (!answer.position)
    return bad("numParts and partId are not integers with 1 <= partId <= numParts <= 1000000");
  auto const [id, count] = *answer.position;
  bool const is_error = answer.status != status_ok;
  if (!answer.has_data) {
    // A service that fails midway may repeat no part numbers: its message is no part, it ends the answer.
    if (!is_error && (received_ > 0 || count > 1)) return bad("a part with status 200 has no data");
    ++received_;
    return PartVerdict::deliver_last;
  }
  if (count_ != 0 && count != count_) return bad("numParts differs between the parts");
  count_ = count;
  bool const is_new = mark(id);
  if (is_error) return PartVerdict::deliver_last;
  if (!is_new) return PartVerdict::duplicate;
  return received_ == count_ ? PartVerdict::deliver_last : PartVerdict::deliver;
}

// False: that number has come before.
bool PartTracker::mark(std::uint32_t id) {
  auto const is_later = [this](std::uint32_t n) {
    return n / bits < later_.size() && ((later_[n / bits] >> (n % bits)) & 1) != 0;
  };
  if (id <= prefix_ || is_later(id)) return false;
  ++received_;
  if (id != prefix_ + 1) {
    if (later_.size() <= id / bits) later_.resize(id / bits + 1);
    later_[id / bits] |= std::uint64_t{1} << (id % bits);
    return true;
  }
  ++prefix_;
  while (is_later(prefix_ + 1)) ++prefix_;
  return true;
}

}  // namespace reachback::proto
