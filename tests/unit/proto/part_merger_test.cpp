#include "reachback/proto/part_merger.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "random_json.hpp"
#include "reachback/proto/json_text.hpp"

namespace reachback::proto {
namespace {

TEST_CASE("a merged head keeps keys and order and speaks of the whole payload") {
  CHECK(
      merged_head(
          R"({"cmd":"rpc", "callId" : 7,"status":200,"numParts":3,"multipart":true,"partId":1,"compressed":true,)"
          R"("hash":"part","dataSize":10,"fileHash":"whole","fileSize":25,"x":1e400,"data":"QUJD"})") ==
      R"({"cmd":"rpc","callId":7,"status":200,"numParts":1,"partId":1,"hash":"whole","dataSize":25,"fileHash":"whole","fileSize":25,"x":1e400,"data":")");
}

TEST_CASE("hash and dataSize are left out where the file's are absent") {
  CHECK(merged_head(R"({"hash":"part","dataSize":10,"numParts":2,"partId":1})") ==
        R"({"numParts":1,"partId":1,"data":")");
  CHECK(merged_head(R"({"hash":"part","numParts":2,"partId":1,"fileHash":null})") ==
        R"({"numParts":1,"partId":1,"fileHash":null,"data":")");
}

TEST_CASE("hash, dataSize and part numbers are added where the part has none") {
  CHECK(merged_head(R"({"fileHash":"whole","fileSize":25})") ==
        R"({"fileHash":"whole","fileSize":25,"numParts":1,"partId":1,"hash":"whole","dataSize":25,"data":")");
  CHECK(merged_head("{}") == R"({"numParts":1,"partId":1,"data":")");
}

TEST_CASE("of equal keys the last stays, also when escapes hide that they are equal") {
  CHECK(merged_head(R"({"a":1,"b":2,"\u0061":3,"d\u0061ta":"x","numParts":4,"num\u0050arts":2})") ==
        R"({"b":2,"\u0061":3,"numParts":1,"partId":1,"data":")");
  CHECK(merged_head(R"({"\ud800":1,"\ud801":2,"numParts":1,"partId":1})") ==
        R"({"\ud800":1,"\ud801":2,"numParts":1,"partId":1,"data":")");
}

TEST_CASE("head, base64 and tail are the object that the protocol describes") {
  test::RandomJson random(10);
  for (int i = 0; i < 3000; ++i) {
    std::string part = random.object();
    if (random.below(2) == 0)
      part = R"({"fileHash":"abc","hash":"x",)" +
             (part.size() > 3 && part[1] == '"' ? part.substr(1) : R"("z":1})");
    auto expected = boost::json::parse(part).as_object();
    for (auto const* key : {"compressed", "multipart", "data", "hash", "dataSize"}) expected.erase(key);
    if (auto const* hash = expected.if_contains("fileHash")) expected["hash"] = *hash;
    expected["numParts"] = 1;
    expected["partId"] = 1;
    expected["data"] = "QUJD";
    auto const merged = merged_head(part) + "QUJD" + std::string(merged_tail);
    CAPTURE(merged);
    boost::json::value const value = boost::json::parse(merged);
    REQUIRE(value == expected);
  }
}

std::string in_slices(std::string_view text, std::size_t slice) {
  MergedHead merged(text);
  auto state = merged.step(slice);
  while (state == MergedHead::State::more) state = merged.step(slice);
  if (state == MergedHead::State::bad) return merged.fault();
  std::string head;
  for (auto piece = merged.next_piece(slice); !piece.empty(); piece = merged.next_piece(slice)) {
    CHECK(piece.size() <= slice);
    head += piece;
  }
  return head;
}

TEST_CASE("a head made in slices is the one made at once") {
  std::string const text = R"({"cmd":"rpc","a":[1,2,{"b":"c"}],"numParts":3,"partId":1,"a":2,"data":"QUJD"})";
  for (std::size_t const slice : {1, 2, 7, 1000}) CHECK(in_slices(text, slice) == merged_head(text));
}

TEST_CASE("a first part may have so many keys, of so many bytes together, and no more") {
  auto const with_keys = [](std::size_t count, std::size_t size) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i) {
      auto key = std::to_string(i);
      key.resize(size, 'k');
      text += (i == 0 ? "\"" : ",\"") + key + "\":1";
    }
    return text + "}";
  };
  CHECK(in_slices(with_keys(MergedHead::most_keys, 5), 100).ends_with(R"("data":")"));
  CHECK(in_slices(with_keys(MergedHead::most_keys + 1, 5), 100) == "the first part has too many keys");
  CHECK(in_slices(with_keys(2, MergedHead::longest_keys / 2), 100).ends_with(R"("data":")"));
  CHECK(in_slices(with_keys(2, MergedHead::longest_keys / 2 + 1), 100) ==
        "the keys of the first part are too long");
}

}  // namespace
}  // namespace reachback::proto
