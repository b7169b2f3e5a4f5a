#include "reachback/proto/base64.hpp"

#include <algorithm>

#include <openssl/evp.h>

namespace reachback::proto {

namespace {

// OpenSSL counts in int.
constexpr std::size_t longest_block = std::size_t{3} << 20;

/// Appends the base64 of `bytes`.
void append_encoded(std::string_view bytes, std::string& out) {
  std::size_t end = out.size();
  // One more than the text, since OpenSSL ends it with a NUL.
  out.resize(end + (bytes.size() + 2) / 3 * 4 + 1);
  while (!bytes.empty()) {
    auto const block = bytes.substr(0, longest_block);
    int const written =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + end),
                        reinterpret_cast<unsigned char const*>(block.data()), static_cast<int>(block.size()));
    end += static_cast<std::size_t>(written);
    bytes.remove_prefix(block.size());
  }
  out.resize(end);
}

// Without an early exit, so that the compiler turns the loop into vector instructions.
bool is_base64(std::string_view text) {
  unsigned char bad = 0;
  for (char const letter : text) {
    auto const c = static_cast<unsigned char>(letter);
    // Setting this bit makes letters small; nothing else falls among them.
    auto const as_small = static_cast<unsigned char>((c | 0x20) - 'a');
    auto const as_digit = static_cast<unsigned char>(c - '0');
    bad |= static_cast<unsigned char>((as_small > 25) & (as_digit > 9) & (c != '+') & (c != '/'));
  }
  return bad == 0;
}

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

void Base64Encoder::update(std::string_view bytes, std::string& out) {
  if (waiting_size_ > 0) {
    std::size_t const taken = std::min(waiting_.size() - waiting_size_, bytes.size());
    bytes.copy(waiting_.data() + waiting_size_, taken);
    waiting_size_ += taken;
    bytes.remove_prefix(taken);
    if (waiting_size_ < waiting_.size()) return;
    finish(out);
  }
  std::size_t const whole = bytes.size() / 3 * 3;
  append_encoded(bytes.substr(0, whole), out);
  bytes.remove_prefix(whole);
  waiting_size_ = bytes.copy(waiting_.data(), waiting_.size());
}

void Base64Encoder::finish(std::string& out) {
  append_encoded({waiting_.data(), waiting_size_}, out);
  waiting_size_ = 0;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  append_encoded(bytes, out);
  return out;
}

// OpenSSL's decoder lets white space, dashes and inner padding pass and calls padding zero bytes: all that is
// seen to here.
bool decode_base64(std::string_view text, Padding padding, std::string& out) {
  std::size_t const padded = padding == Padding::allowed ? padding_of(text) : 0;
  if (text.size() % 4 != 0 || !is_base64(text.substr(0, text.size() - padded))) return false;
  std::size_t end = out.size();
  out.resize(end + text.size() / 4 * 3);
  while (!text.empty()) {
    auto const block = text.substr(0, longest_block / 3 * 4);
    int const written =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data() + end),
                        reinterpret_cast<unsigned char const*>(block.data()), static_cast<int>(block.size()));
    if (written < 0) return false;
    end += static_cast<std::size_t>(written);
    text.remove_prefix(block.size());
  }
  out.resize(end - padded);
  return true;
}

}  // namespace reachback::proto
