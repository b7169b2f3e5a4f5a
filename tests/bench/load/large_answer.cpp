#include "bench/load/large_answer.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string_view>

#include "bench/load/peer.hpp"

namespace reachback::bench {
namespace {

unsigned char const* bytes_of(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

std::string md5(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string base64(std::string_view text) {
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
  int const size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), bytes_of(text),
                                   static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

std::string zlib_compress(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, bytes_of(text), text.size(), 1) != Z_OK) {
    throw std::runtime_error("compress2");
  }
  packed.resize(size);
  return packed;
}

/// Like the samples of a scan: 16 bits each, of which the lower ones are noise. It compresses to about two
/// thirds.
std::string samples(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string payload(size, '\0');
  std::int16_t level = 1000;
  for (std::size_t at = 0; at + sizeof level <= size; at += sizeof level) {
    level = static_cast<std::int16_t>(level + static_cast<int>(random() % 65) - 32);
    std::memcpy(payload.data() + at, &level, sizeof level);
  }
  return payload;
}

}  // namespace

LargeAnswer::LargeAnswer(std::size_t size, bool compressed, unsigned seed) : payload_(samples(size, seed)) {
  std::string_view const all = payload_;
  std::size_t const count = (size + part_size - 1) / part_size;
  std::string const file =
      R"(,"fileHash":")" + md5(all) + R"(","fileSize":)" + std::to_string(size) + R"(,"data":")";
  for (std::size_t i = 0; i < count; ++i) {
    auto const bytes = all.substr(i * part_size, part_size);
    Part part;
    part.keys = R"("status":200,"dataSerialization":"bytes","numParts":)" + std::to_string(count) +
                R"(,"partId":)" + std::to_string(i + 1) + (count > 1 ? R"(,"multipart":true)" : "") +
                (compressed ? R"(,"compressed":true)" : "") + R"(,"hash":")" + md5(bytes) +
                R"(","dataSize":)" + std::to_string(bytes.size()) + file;
    part.packed = compressed ? zlib_compress(bytes) : std::string(bytes);
    part.tail = base64(part.packed) + "\"}";
    part.masked = std::make_shared<Block>(part.tail.size());
    std::memcpy(part.masked->data(), part.tail.data(), part.tail.size());
    part.masked->set_size(part.tail.size());
    apply_mask({part.masked->data(), part.tail.size()}, mask_key);
    part.tail += '\n';
    parts_.push_back(std::move(part));
  }
}

std::string LargeAnswer::merged_tail() const { return base64(payload_) + "\"}"; }

}  // namespace reachback::bench
