// Beast's generator of keys and masks divides its block counter by 16 and so gives each block 16 times.
#include <doctest/doctest.h>
#include <boost/beast/core/detail/chacha.hpp>
#include <set>

TEST_CASE(
    "Beast's generator still repeats itself (when this fails: drop secure_prng(false) and our own key)") {
  std::uint32_t const seed[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  boost::beast::detail::chacha<20> generator(seed, 1);
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 160; ++i) numbers.insert(generator());
  CHECK(numbers.size() == 16);
}
