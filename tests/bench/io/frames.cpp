#include "bench/io/frames.hpp"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstring>

namespace reachback::bench {
namespace {

constexpr std::uint8_t final_bit = 0x80, mask_bit = 0x80, opcode_bits = 0x0f, length_bits = 0x7f;
constexpr std::uint8_t length_of_16_bits = 126, length_of_64_bits = 127;

void append_head(std::string& out, Opcode opcode, std::size_t payload, std::uint8_t mask) {
  std::array<std::uint8_t, 10> head{};
  std::size_t size = 2, bytes_of_length = 0;
  head[0] = static_cast<std::uint8_t>(final_bit | static_cast<std::uint8_t>(opcode));
  if (payload < length_of_16_bits) {
    head[1] = static_cast<std::uint8_t>(mask | payload);
  } else if (payload <= 0xffff) {
    head[1] = mask | length_of_16_bits;
    bytes_of_length = 2;
  } else {
    head[1] = mask | length_of_64_bits;
    bytes_of_length = 8;
  }
  for (std::size_t i = bytes_of_length; i > 0; --i)
    head[size++] = static_cast<std::uint8_t>(payload >> (8 * (i - 1)));
  out.append(reinterpret_cast<char const*>(head.data()), size);
}

}  // namespace

std::optional<FrameHead> read_frame_head(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  auto const byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  FrameHead head;
  head.opcode = static_cast<Opcode>(byte(0) & opcode_bits);
  head.masked = (byte(1) & mask_bit) != 0;
  head.payload = byte(1) & length_bits;
  std::size_t const bytes_of_length = head.payload == length_of_16_bits   ? 2
                                      : head.payload == length_of_64_bits ? 8
                                                                          : 0;
  head.size = 2 + bytes_of_length + (head.masked ? sizeof head.key : 0);
  if (bytes.size() < head.size) return std::nullopt;
  if (bytes_of_length != 0) head.payload = 0;
  for (std::size_t i = 0; i < bytes_of_length; ++i) head.payload = head.payload << 8 | byte(2 + i);
  if (head.masked) std::memcpy(&head.key, bytes.data() + 2 + bytes_of_length, sizeof head.key);
  return head;
}

void append_frame_head(std::string& out, Opcode opcode, std::size_t payload) {
  append_head(out, opcode, payload, 0);
}

void append_frame_head(std::string& out, Opcode opcode, std::size_t payload, MaskKey key) {
  append_head(out, opcode, payload, mask_bit);
  out.append(reinterpret_cast<char const*>(&key), sizeof key);
}

void apply_mask(std::span<char> bytes, MaskKey key, std::size_t at) {
  static_assert(std::endian::native == std::endian::little);
  key = std::rotr(key, static_cast<int>(at % 4 * 8));
  std::uint64_t const wide = key | static_cast<std::uint64_t>(key) << 32;
  char* byte = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof wide; left -= sizeof wide, byte += sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, byte, sizeof word);
    word ^= wide;
    std::memcpy(byte, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i)
    byte[i] = static_cast<char>(byte[i] ^ static_cast<char>(key >> (i % 4 * 8)));
}

std::string accept_key(std::string_view key) {
  std::string const text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  int const length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<char const*>(encoded.data()), static_cast<std::size_t>(length)};
}

}  // namespace reachback::bench
