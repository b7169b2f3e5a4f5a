#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace reachback::proto {

/// MD5 of a stream, in lower-case hex (OpenSSL). The protocol's hashes guard against mix-ups, not against
/// malice. Throws std::runtime_error where the installed OpenSSL has no MD5.
class Md5 {
 public:
  Md5();
  void update(std::string_view bytes);
  /// The hash of all bytes so far; starts over.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };

  void start();

  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] std::string md5_hex(std::string_view bytes);

/// Whether two hex texts name the same bytes: letter case does not count.
[[nodiscard]] bool same_hex(std::string_view left, std::string_view right);

}  // namespace reachback::proto
