#include "reachback/proto/md5.hpp"

#include <utility>

#include <doctest/doctest.h>

namespace reachback::proto {
namespace {

TEST_CASE("the examples of RFC 1321") {
  CHECK(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(md5_hex("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST_CASE("pieces hash like the whole and the hash starts over") {
  Md5 md5;
  md5.update("a");
  md5.update("");
  Md5 moved = std::move(md5);
  moved.update("bc");
  CHECK(moved.finish() == md5_hex("abc"));
  CHECK(moved.finish() == md5_hex(""));
}

TEST_CASE("hex is compared without regard to letter case") {
  CHECK(same_hex("0a1B", "0A1b"));
  CHECK_FALSE(same_hex("0a1b", "0a1c"));
  CHECK_FALSE(same_hex("0a1b", "0a1"));
  CHECK_FALSE(same_hex("0a1b", ""));
}

}  // namespace
}  // namespace reachback::proto
