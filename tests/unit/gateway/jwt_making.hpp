#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/secrets.hpp"
#include "reachback/proto/base64.hpp"

// What issuers do, as far as HS256 goes.

namespace reachback::jwt_making {

inline std::string const secret(32, 's');

inline std::string base64url(std::string_view bytes) {
  std::string text;
  proto::Base64Encoder encoder;
  encoder.update(bytes, text);
  encoder.finish(text);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text.substr(0, text.find('='));
}

inline std::string secret_key(std::string_view key = secret, std::string_view more = "") {
  return fmt::format(R"({{"kty":"oct","k":"{}"{}}})", base64url(key), more);
}

template <class... Keys>
std::string set_of(Keys const&... keys) {
  std::string listed;
  ((listed += (listed.empty() ? "" : ",") + std::string(keys)), ...);
  return R"({"keys":[)" + listed + "]}";
}

inline std::string sign(std::string_view claims, std::string_view header = R"({"alg":"HS256"})",
                        std::string_view key = secret) {
  std::string const signed_part = base64url(header) + '.' + base64url(claims);
  return signed_part + '.' + base64url(gateway::hmac_sha256(key, signed_part));
}

}  // namespace reachback::jwt_making
