#include "bench/load/bulk_answer.hpp"

#include <algorithm>
#include <utility>

#include "bench/load/large_answer.hpp"
#include "bench/load/payload.hpp"

namespace reachback::bench {
namespace {

/// Odd, so that no power of two of parts brings the same again.
constexpr std::size_t distinct = 3;
constexpr std::size_t mib_per_part = LargeAnswer::part_size >> 20;

}  // namespace

BulkAnswer::BulkAnswer(std::size_t mib, bool compressed) {
  auto const count = std::max<std::size_t>(1, mib / mib_per_part);
  for (unsigned i = 0; i < std::min(distinct, count); ++i) {
    Payload payload;
    payload.bytes = samples(LargeAnswer::part_size, i);
    payload.hash = md5_of(payload.bytes);
    payload.line = base64(compressed ? zlib_compress(payload.bytes) : payload.bytes) + "\"}";
    payload.masked = masked(payload.line);
    payload.line += '\n';
    payloads_.push_back(std::move(payload));
  }
  Md5 whole;
  for (std::size_t i = 0; i < count; ++i) whole.add(of(i).bytes);
  auto const size = std::to_string(LargeAnswer::part_size);
  auto const file = R"(","fileSize":)" + std::to_string(count * LargeAnswer::part_size) + R"(,"fileHash":")" +
                    whole.hex() + R"(","data":")";
  for (std::size_t i = 0; i < count; ++i) {
    keys_.push_back(R"("status":200,"dataSerialization":"bytes","numParts":)" + std::to_string(count) +
                    R"(,"partId":)" + std::to_string(i + 1) + R"(,"multipart":true)" +
                    (compressed ? R"(,"compressed":true)" : "") + R"(,"dataSize":)" + size + R"(,"hash":")" +
                    of(i).hash + file);
  }
}

ExpectedAnswer BulkAnswer::expected(Form form) const {
  using Keys = ExpectedAnswer::Keys;
  ExpectedAnswer expected;
  for (std::size_t i = 0; i < parts(); ++i) {
    if (form == Form::octets) {
      expected.add(Keys::none, of(i).bytes);
    } else {
      expected.add(Keys::before, of(i).line);
    }
  }
  return expected;
}

}  // namespace reachback::bench
