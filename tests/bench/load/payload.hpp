#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/io/block.hpp"

struct evp_md_ctx_st;

namespace reachback::bench {

/// The MD5 of what is added.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5 const&) = delete;
  Md5& operator=(Md5 const&) = delete;

  void add(std::string_view text);
  /// Once, at the end.
  [[nodiscard]] std::string hex();

 private:
  evp_md_ctx_st* context_;
};

[[nodiscard]] std::string md5_of(std::string_view text);
[[nodiscard]] std::string base64(std::string_view text);
[[nodiscard]] std::string zlib_compress(std::string_view text);

/// Like the samples of a scan: 16 bits each, of which the lower ones are noise. It compresses to about two
/// thirds. `seed` makes payloads differ.
[[nodiscard]] std::string samples(std::size_t size, unsigned seed);

/// The text as a frame of ours carries it.
[[nodiscard]] BlockPtr masked(std::string_view text);

}  // namespace reachback::bench
