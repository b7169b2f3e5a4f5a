#include "core/credit.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace reachback::core;

TEST_SUITE("credit of one answer") {
  TEST_CASE("two parts may come unasked, and a third may not") {
    PartCredit credit;
    CHECK(credit.use());
    CHECK_FALSE(credit.exhausted());
    CHECK(credit.use());
    CHECK(credit.exhausted());
    CHECK_FALSE(credit.use());
  }

  TEST_CASE("a promised credit allows one more part once it is given") {
    PartCredit credit;
    CHECK(credit.use());
    CHECK(credit.promise(9));
    CHECK(credit.use());
    CHECK(credit.exhausted());
    CHECK(credit.give());
    CHECK(credit.use());
    CHECK_FALSE(credit.use());
  }

  TEST_CASE("what was not promised is not given") {
    PartCredit credit;
    CHECK_FALSE(credit.give());
  }

  TEST_CASE("no credit is promised for parts that are covered") {
    PartCredit one_of_two;
    CHECK(one_of_two.use());
    CHECK_FALSE(one_of_two.promise(1));

    PartCredit of_three;
    CHECK(of_three.use());
    CHECK(of_three.promise(2));
    CHECK(of_three.use());
    CHECK_FALSE(of_three.promise(1));
  }

  TEST_CASE("whatever the order of coming and taking, all parts pass and nobody waits for nothing") {
    std::mt19937 random(5);
    for (std::uint32_t const count : {1u, 2u, 3u, 4u, 7u, 500u}) {
      PartCredit credit;
      std::uint32_t missing = count, due = 0, given = 0;
      while (missing != 0) {
        bool const may_come = !credit.exhausted();
        REQUIRE((may_come || due != 0));
        if (may_come && (due == 0 || random() % 2 == 0)) {
          REQUIRE(credit.use());
          // One in five is a repeated one: dropped, and so taken at once.
          bool const repeated = missing != count && random() % 5 == 0;
          if (!repeated) --missing;
          if (missing != 0 && credit.promise(missing)) ++due;
          if (repeated) {
            REQUIRE(due != 0);
            REQUIRE(credit.give());
            --due;
          }
        } else {
          REQUIRE(credit.give());
          --due;
          ++given;
        }
      }
      CHECK(given <= (count > 2 ? count - 2 : 0));
    }
  }
}
