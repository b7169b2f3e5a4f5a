#include "core/address_table.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using namespace reachback::core;

namespace {

using Place = AddressTable::Place;

std::vector<Place> enter(AddressTable& table, std::string const& address, std::size_t tries) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < tries; ++i) {
    if (auto place = table.enter(address)) places.push_back(std::move(*place));
  }
  return places;
}

std::size_t within(std::vector<Place> const& places) {
  std::size_t count = 0;
  for (auto const& place : places) count += place.within ? 1 : 0;
  return count;
}

}  // namespace

TEST_SUITE("address table") {
  TEST_CASE("an address holds up to its limit; a few more are told; the rest gets nothing") {
    AddressTable table(3);
    auto const places = enter(table, "10.0.0.1", 100);
    CHECK(within(places) == 3);
    CHECK(places.size() == 3 + AddressTable::told);
    CHECK(table.most() == 3 + AddressTable::told);
  }

  TEST_CASE("one address at its limit takes nothing from another") {
    AddressTable table(2);
    auto const greedy = enter(table, "10.0.0.1", 100);
    auto const modest = enter(table, "10.0.0.2", 2);
    CHECK(within(modest) == 2);
  }

  TEST_CASE("a place that is given back is there for the next one") {
    AddressTable table(1);
    auto places = enter(table, "10.0.0.1", 1);
    CHECK(within(enter(table, "10.0.0.1", 1)) == 0);
    places.clear();
    CHECK(table.most() == 0);
    CHECK(within(enter(table, "10.0.0.1", 1)) == 1);
  }

  TEST_CASE("addresses that hold nothing are forgotten, those that hold something are not") {
    AddressTable table(1);
    auto const stays = enter(table, "10.0.0.1", 1);
    for (int i = 0; i < 10'000; ++i) (void)enter(table, "2001:db8::" + std::to_string(i), 1);
    CHECK(table.size() < 10);
    CHECK(within(enter(table, "10.0.0.1", 1)) == 0);
  }

  TEST_CASE("the table is no bigger than about twice what holds places") {
    AddressTable table(1);
    std::vector<Place> held;
    for (int i = 0; i < 1000; ++i) held.push_back(std::move(*table.enter("held " + std::to_string(i))));
    for (int i = 0; i < 10'000; ++i) (void)enter(table, "passes " + std::to_string(i), 1);
    CHECK(table.size() >= 1000);
    CHECK(table.size() < 2100);
  }

  TEST_CASE("places may be given back on any thread while others are taken") {
    AddressTable table(1);
    for (int round = 0; round < 200; ++round) {
      auto place = table.enter("address " + std::to_string(round));
      REQUIRE(place.has_value());
      std::jthread const elsewhere([gone = std::move(*place)] {});
      for (int i = 0; i < 10; ++i) (void)enter(table, std::to_string(i), 1);
    }
    CHECK(table.most() == 0);
  }
}
