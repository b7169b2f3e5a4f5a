#include "bench/load/payload.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>

#include "bench/io/frames.hpp"
#include "bench/load/peer.hpp"

namespace reachback::bench {
namespace {

unsigned char const* bytes_of(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

}  // namespace

Md5::Md5() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_md5(), nullptr); }

Md5::~Md5() { EVP_MD_CTX_free(context_); }

void Md5::add(std::string_view text) { EVP_DigestUpdate(context_, text.data(), text.size()); }

std::string Md5::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_, digest.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string md5_of(std::string_view text) {
  Md5 md5;
  md5.add(text);
  return md5.hex();
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

BlockPtr masked(std::string_view text) {
  auto block = std::make_shared<Block>(text.size());
  std::memcpy(block->data(), text.data(), text.size());
  block->set_size(text.size());
  apply_mask({block->data(), text.size()}, mask_key);
  return block;
}

}  // namespace reachback::bench
