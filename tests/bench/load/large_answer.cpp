#include "bench/load/large_answer.hpp"

#include <string_view>

#include "bench/load/payload.hpp"
#include "bench/load/peer.hpp"

namespace reachback::bench {
LargeAnswer::LargeAnswer(std::size_t size, bool compressed, unsigned seed) : payload_(samples(size, seed)) {
  std::string_view const all = payload_;
  std::size_t const count = (size + part_size - 1) / part_size;
  std::string const file =
      R"(,"fileHash":")" + md5_of(all) + R"(","fileSize":)" + std::to_string(size) + R"(,"data":")";
  for (std::size_t i = 0; i < count; ++i) {
    auto const bytes = all.substr(i * part_size, part_size);
    Part part;
    part.keys = R"("status":200,"dataSerialization":"bytes","numParts":)" + std::to_string(count) +
                R"(,"partId":)" + std::to_string(i + 1) + (count > 1 ? R"(,"multipart":true)" : "") +
                (compressed ? R"(,"compressed":true)" : "") + R"(,"hash":")" + md5_of(bytes) +
                R"(","dataSize":)" + std::to_string(bytes.size()) + file;
    part.packed = compressed ? zlib_compress(bytes) : std::string(bytes);
    part.tail = base64(part.packed) + "\"}";
    part.masked = masked(part.tail);
    part.tail += '\n';
    parts_.push_back(std::move(part));
  }
}

std::string LargeAnswer::merged_tail() const { return base64(payload_) + "\"}"; }

}  // namespace reachback::bench
