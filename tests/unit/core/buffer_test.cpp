#include "core/buffer.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>

using namespace reachback::core;

TEST_SUITE("buffer") {
  TEST_CASE("a new buffer is empty and owns nothing") {
    Buffer const buffer;
    CHECK(buffer.empty());
    CHECK(buffer.view().empty());
    CHECK(buffer.capacity() == 0);
  }

  TEST_CASE("bytes stay in order while it grows") {
    Buffer buffer;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      std::string const piece(static_cast<std::size_t>(i % 17), static_cast<char>('a' + i % 26));
      buffer.append(piece);
      expected += piece;
    }
    CHECK(buffer.view() == expected);
  }

  TEST_CASE("bytes stay as it grows from a small block to a big one and on") {
    Buffer buffer;
    std::string expected;
    for (std::size_t size = 300'000; size < 20'000'000; size = size * 3 / 2) {
      std::string const piece(size - expected.size(), static_cast<char>('a' + size % 26));
      buffer.append(piece);
      expected += piece;
      REQUIRE(buffer.view() == expected);
      REQUIRE(buffer.capacity() >= buffer.size());
    }
    Buffer moved(std::move(buffer));
    CHECK(moved.view() == expected);
    moved.clear_and_shrink(1000);
    CHECK(moved.capacity() == 0);
    moved.append("small again");
    CHECK(moved.view() == "small again");
  }

  TEST_CASE("prepared room becomes part of it only when taken") {
    Buffer buffer("ab");
    std::memcpy(buffer.prepare(4), "cdef", 4);
    CHECK(buffer.view() == "ab");
    buffer.grow_by(2);
    CHECK(buffer.view() == "abcd");
  }

  TEST_CASE("consuming drops from the front") {
    Buffer buffer("abcdef");
    buffer.consume(2);
    CHECK(buffer.view() == "cdef");
    buffer.consume(4);
    CHECK(buffer.empty());
    buffer.consume(0);
    buffer.append("x");
    CHECK(buffer.view() == "x");
  }

  TEST_CASE("moving hands the bytes over") {
    Buffer one("one");
    Buffer two(std::move(one));
    CHECK(two.view() == "one");
    Buffer three("three");
    three = std::move(two);
    CHECK(three.view() == "one");
  }

  TEST_CASE("shrinking gives back a large block and keeps a small one") {
    Buffer buffer(std::string(1000, 'x'));
    buffer.clear_and_shrink(2000);
    CHECK(buffer.empty());
    CHECK(buffer.capacity() >= 1000);
    buffer.append(std::string(1000, 'x'));
    buffer.clear_and_shrink(100);
    CHECK(buffer.capacity() == 0);
  }

  TEST_CASE("growing leaves at most half as much unused as it holds") {
    Buffer buffer;
    for (int i = 0; i < 100'000; ++i) buffer.append("x");
    CHECK(buffer.capacity() <= buffer.size() + buffer.size() / 2 + 1);
  }
}
