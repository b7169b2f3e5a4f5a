#include "reachback/proto/payload_checker.hpp"

#include <string>

#include <doctest/doctest.h>

namespace reachback::proto {
namespace {

// MD5 of "ABC".
constexpr auto hash_of_abc = R"("fileHash":"902fbdd2b1df0c4f70b4a5d23525e932")";

bool expect(PayloadChecker& checker, std::string const& members) {
  std::string const text = R"({"cmd":"rpc","status":200,"callId":7,)" + members + "}";
  auto const answer = read_answer(text);
  REQUIRE(answer.has_value());
  return checker.expect(*answer);
}

TEST_CASE("nothing announced is nothing to miss") {
  PayloadChecker checker;
  CHECK(expect(checker, R"("fileHash":null,"fileSize":null)"));
  CHECK(checker.update("ABC"));
  CHECK(checker.finish());
}

TEST_CASE("size and hash as announced pass, in whatever pieces and letter case") {
  PayloadChecker checker;
  CHECK(expect(checker, std::string(hash_of_abc) + R"(,"fileSize":3)"));
  CHECK(checker.update("A"));
  CHECK(expect(checker, R"("fileHash":"902FBDD2B1DF0C4F70B4A5D23525E932","fileSize":3)"));
  CHECK(checker.update("BC"));
  CHECK(checker.finish());
}

TEST_CASE("a hash that comes after the bytes counts for all of them") {
  PayloadChecker checker;
  CHECK(checker.update("ABC"));
  CHECK(expect(checker, hash_of_abc));
  CHECK(checker.finish());
}

TEST_CASE("a wrong hash, too few bytes and too many are found") {
  PayloadChecker wrong;
  CHECK(expect(wrong, hash_of_abc));
  CHECK(wrong.update("ABD"));
  CHECK_FALSE(wrong.finish());
  PayloadChecker few;
  CHECK(expect(few, R"("fileSize":4)"));
  CHECK(few.update("ABC"));
  CHECK_FALSE(few.finish());
  PayloadChecker many;
  CHECK(expect(many, R"("fileSize":2)"));
  CHECK_FALSE(many.update("ABC"));
}

TEST_CASE("a single part that has been checked is not hashed again when its hash is the whole's") {
  auto const single = [](std::string const& members, std::uint64_t size) {
    auto const text = R"({"cmd":"rpc","status":200,"callId":1,)" + members + "}";
    auto const answer = read_answer(text);
    PayloadChecker checker;
    return answer && checker.expect(*answer) && checker.take_single(*answer, size) && checker.finish();
  };
  CHECK(single(R"("hash":"ABCD","fileHash":"abcd","fileSize":3)", 3));
  CHECK(single(R"("hash":"abcd","fileSize":3)", 3));
  CHECK_FALSE(single(R"("hash":"abcd","fileHash":"abcd","fileSize":4)", 3));
  CHECK_FALSE(single(R"("hash":"abcd","fileHash":"abce")", 3));
  CHECK_FALSE(single(R"("fileHash":"abcd")", 3));
}

TEST_CASE("announcements of a wrong type are refused") {
  for (auto const* members : {R"("fileSize":-1)", R"("fileSize":"3")", R"("fileSize":3.0)",
                              R"("fileSize":true)", R"("fileHash":3)", R"("fileHash":[])"}) {
    CAPTURE(members);
    PayloadChecker checker;
    CHECK_FALSE(expect(checker, members));
  }
}

TEST_CASE("announcements that differ between parts are refused") {
  PayloadChecker sizes;
  CHECK(expect(sizes, R"("fileSize":3)"));
  CHECK(expect(sizes, R"("x":1)"));
  CHECK_FALSE(expect(sizes, R"("fileSize":4)"));
  PayloadChecker hashes;
  CHECK(expect(hashes, R"("fileHash":"00")"));
  CHECK_FALSE(expect(hashes, R"("fileHash":"01")"));
}

}  // namespace
}  // namespace reachback::proto
