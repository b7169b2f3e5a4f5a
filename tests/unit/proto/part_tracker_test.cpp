#include "reachback/proto/part_tracker.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string_view>

#include <doctest/doctest.h>

namespace reachback::proto {
namespace {

Answer part(std::uint32_t id, std::uint32_t count, std::int64_t status = 200) {
  Answer answer;
  answer.status = status;
  answer.has_data = true;
  answer.position = PartPosition{id, count};
  return answer;
}

Answer no_data(std::int64_t status, std::uint32_t id = 1, std::uint32_t count = 1) {
  Answer answer = part(id, count, status);
  answer.has_data = false;
  return answer;
}

Answer without_position() {
  Answer answer = part(1, 1);
  answer.position.reset();
  return answer;
}

TEST_CASE("a single part ends its answer") {
  PartTracker tracker;
  CHECK(tracker.accept(part(1, 1)) == PartVerdict::deliver_last);
  CHECK(tracker.received() == 1);
}

TEST_CASE("the last missing part ends the answer, whichever it is") {
  PartTracker tracker;
  CHECK(tracker.accept(part(3, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(2, 3)) == PartVerdict::deliver_last);
}

TEST_CASE("a repeated part is a duplicate and ends nothing") {
  PartTracker tracker;
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::duplicate);
  CHECK(tracker.accept(part(3, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(3, 3)) == PartVerdict::duplicate);
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::duplicate);
  CHECK(tracker.received() == 2);
  CHECK(tracker.accept(part(2, 3)) == PartVerdict::deliver_last);
}

TEST_CASE("a part without sound numbers is bad") {
  PartTracker tracker;
  CHECK(tracker.accept(without_position()) == PartVerdict::bad);
  CHECK(std::string_view(tracker.fault()).find("partId") != std::string_view::npos);
}

TEST_CASE("numParts that changes is bad") {
  PartTracker tracker;
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(2, 4)) == PartVerdict::bad);
  CHECK(std::string_view(tracker.fault()).find("numParts") != std::string_view::npos);
}

TEST_CASE("a part with data and an error status ends the answer") {
  PartTracker tracker;
  CHECK(tracker.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(tracker.accept(part(2, 3, 500)) == PartVerdict::deliver_last);
  PartTracker repeated;
  CHECK(repeated.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(repeated.accept(part(1, 3, 400)) == PartVerdict::deliver_last);
}

TEST_CASE("an error without data ends the answer at once, also without part numbers of its own") {
  PartTracker first;
  CHECK(first.accept(no_data(400)) == PartVerdict::deliver_last);
  PartTracker later;
  CHECK(later.accept(part(1, 3)) == PartVerdict::deliver);
  CHECK(later.accept(no_data(400)) == PartVerdict::deliver_last);
}

TEST_CASE("status 200 without data is an empty payload only when it is the only part") {
  PartTracker only;
  CHECK(only.accept(no_data(200)) == PartVerdict::deliver_last);
  PartTracker after_another;
  CHECK(after_another.accept(part(1, 2)) == PartVerdict::deliver);
  CHECK(after_another.accept(no_data(200, 2, 2)) == PartVerdict::bad);
  PartTracker one_of_many;
  CHECK(one_of_many.accept(no_data(200, 1, 3)) == PartVerdict::bad);
}

TEST_CASE("a million parts are counted from either end") {
  PartTracker upwards;
  for (std::uint32_t id = 1; id < max_parts; ++id)
    REQUIRE(upwards.accept(part(id, max_parts)) == PartVerdict::deliver);
  CHECK(upwards.accept(part(max_parts, max_parts)) == PartVerdict::deliver_last);
  PartTracker downwards;
  for (std::uint32_t id = max_parts; id > 1; --id)
    REQUIRE(downwards.accept(part(id, max_parts)) == PartVerdict::deliver);
  CHECK(downwards.accept(part(2, max_parts)) == PartVerdict::duplicate);
  CHECK(downwards.accept(part(1, max_parts)) == PartVerdict::deliver_last);
}

TEST_CASE("in any order with any repeats each part counts once and the last one ends it") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 500; ++round) {
    auto const count = static_cast<std::uint32_t>(1 + random() % 200);
    std::vector<std::uint32_t> ids(count);
    std::iota(ids.begin(), ids.end(), 1U);
    for (std::uint32_t i = 0; i < count / 2; ++i) ids.push_back(ids[random() % count]);
    std::ranges::shuffle(ids, random);
    PartTracker tracker;
    std::set<std::uint32_t> seen;
    for (auto const id : ids) {
      if (seen.size() == count) break;
      bool const is_new = seen.insert(id).second;
      auto const expected = !is_new                ? PartVerdict::duplicate
                            : seen.size() == count ? PartVerdict::deliver_last
                                                   : PartVerdict::deliver;
      REQUIRE(tracker.accept(part(id, count)) == expected);
      REQUIRE(tracker.received() == seen.size());
    }
    REQUIRE(seen.size() == count);
  }
}

}  // namespace
}  // namespace reachback::proto
