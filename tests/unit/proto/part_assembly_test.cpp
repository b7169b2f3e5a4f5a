#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include "random_json.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/proto/part_cutter.hpp"
#include "reachback/proto/part_decoder.hpp"
#include "reachback/proto/part_merger.hpp"
#include "reachback/proto/part_tracker.hpp"

namespace reachback::proto {
namespace {

constexpr std::size_t part_limit = 32 * 1024 * 1024;

RequestEcho const echo{CallId{7}, R"("cmd":"rpc","callId":7)"};

struct Assembly {
  std::string payload;
  std::string first_part;
  std::size_t duplicates = 0;
  bool complete = false;
};

std::string decoded(Answer const& answer) {
  PartDecoder decoder(answer, part_limit);
  auto state = PartDecoder::State::more;
  while (state == PartDecoder::State::more) state = decoder.step();
  CAPTURE(decoder.fault());
  REQUIRE(state == PartDecoder::State::done);
  return decoder.take_payload();
}

// What the gateway does for one caller: parts may come in any order, bytes leave in order.
Assembly assemble(std::vector<std::string> const& messages) {
  Assembly assembly;
  PartTracker tracker;
  PayloadChecker checker;
  std::map<std::uint32_t, std::string> waiting;
  for (auto const& message : messages) {
    auto const answer = read_answer(message);
    REQUIRE(answer.has_value());
    auto const verdict = tracker.accept(*answer);
    REQUIRE(verdict != PartVerdict::bad);
    if (verdict == PartVerdict::duplicate) {
      ++assembly.duplicates;
      continue;
    }
    REQUIRE(checker.expect(*answer));
    if (answer->position->id == 1) assembly.first_part = message;
    waiting[answer->position->id] = decoded(*answer);
    if (verdict == PartVerdict::deliver_last) break;
  }
  std::uint32_t next = 1;
  for (auto const& [id, bytes] : waiting) {
    REQUIRE(id == next++);
    REQUIRE(checker.update(bytes));
    assembly.payload += bytes;
  }
  assembly.complete = checker.finish();
  return assembly;
}

// Parts as a service of another make may cut them: small ones, so that many fit into a test.
std::vector<std::string> small_parts(std::string const& payload, std::size_t count,
                                     test::RandomJson& random) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < count; ++i) {
    auto const begin = payload.size() * i / count;
    auto const bytes = payload.substr(begin, payload.size() * (i + 1) / count - begin);
    parts.push_back(fmt::format(
        R"({{{},"status":200,"numParts":{},"partId":{},"hash":"{}","dataSize":{},"fileHash":"{}","fileSize":{},"data":"{}"}})",
        echo.members, count, i + 1, md5_hex(bytes), bytes.size(), md5_hex(payload), payload.size(),
        to_base64(bytes)));
  }
  for (auto doubles = random.below(count + 1); doubles-- > 0;) parts.push_back(parts[random.below(count)]);
  return parts;
}

void check_merged(Assembly const& assembly) {
  auto const text = merged_head(assembly.first_part) + to_base64(assembly.payload) + std::string(merged_tail);
  auto const merged = read_answer(text);
  REQUIRE(merged.has_value());
  REQUIRE(merged->position);
  REQUIRE(merged->position->count == 1);
  REQUIRE(merged->data_size.integer() == static_cast<std::int64_t>(assembly.payload.size()));
  REQUIRE(decoded(*merged) == assembly.payload);
  REQUIRE(boost::json::parse(text).at("hash").as_string() == md5_hex(assembly.payload));
}

TEST_CASE("small parts in random order with repeats give the payload back and merge into one message") {
  test::RandomJson random(11);
  std::mt19937_64 shuffler(12);
  for (int round = 0; round < 300; ++round) {
    std::string const payload = random.bytes(random.below(5000));
    auto const count = 2 + random.below(30);
    auto parts = small_parts(payload, count, random);
    std::ranges::shuffle(parts, shuffler);
    auto const assembly = assemble(parts);
    REQUIRE(assembly.complete);
    REQUIRE(assembly.payload == payload);
    REQUIRE(assembly.duplicates <= parts.size() - count);
    check_merged(assembly);
  }
}

TEST_CASE("payloads of several full parts, compressible and not, survive cutting and assembly") {
  std::mt19937_64 random(13);
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, compress_above, compress_above + 1,
                                 part_size, 2 * part_size + 12345}) {
    CAPTURE(size);
    std::string payload(size, 'c');
    // Noise in the first half only, so that one payload has parts of both sorts.
    for (std::size_t at = 0; at + 8 <= size / 2; at += 8) {
      for (std::size_t i = 0; i < 8; ++i) payload[at + i] = static_cast<char>(random() >> 17);
    }
    PayloadHead const head{DataSerialization::bytes, size, md5_hex(payload)};
    std::vector<std::string> parts;
    for (std::uint32_t id = 1; id <= number_of_parts(size); ++id) {
      parts.push_back(
          cut_part(echo, head, id, std::string_view(payload).substr((id - 1) * part_size, part_size)));
    }
    std::ranges::reverse(parts);
    auto const assembly = assemble(parts);
    CHECK(assembly.complete);
    CHECK(assembly.payload == payload);
  }
}

TEST_CASE("parts of two payloads do not pass for one") {
  test::RandomJson random(14);
  auto const one = small_parts(random.bytes(100), 2, random);
  auto const other = small_parts(random.bytes(100), 2, random);
  auto const first = read_answer(one[0]);
  auto const second = read_answer(other[1]);
  PayloadChecker checker;
  CHECK(checker.expect(*first));
  CHECK_FALSE(checker.expect(*second));
}

}  // namespace
}  // namespace reachback::proto
