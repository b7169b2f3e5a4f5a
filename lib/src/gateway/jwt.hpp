#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/jwt_keys.hpp"
#include "gateway/scopes.hpp"

namespace reachback::gateway {

/// What a JWT that is good says.
struct JwtClaims {
  std::string subject;
  Scopes scopes;
  std::chrono::system_clock::time_point expires;
};

/// What a JWT has to say beside that.
struct JwtRules {
  std::string issuer;    ///< empty: any
  std::string audience;  ///< empty: it names none
};

/// A signed payload's claims, when it is good now (RFC 7519, 4.1): `exp` and `sub` have to be there, `exp` is
/// held to the second, `nbf` may lie ahead by `leeway`. Of `scope` or `scopes`, a text with blanks or a list,
/// what is no scope of ours says nothing to us. Pure.
[[nodiscard]] boost::system::result<JwtClaims, JwtFault> read_claims(
    std::string_view payload, JwtRules const& rules, std::chrono::system_clock::time_point now);

/// How far issuers' clocks may be ahead of ours.
inline constexpr std::chrono::seconds leeway{30};

/// Verifies JWTs, and remembers for a while those that were good: a signature costs as much as several calls.
/// On its shard's thread.
class JwtVerifier {
 public:
  using Clock = std::chrono::system_clock;
  using Result = boost::system::result<std::shared_ptr<JwtClaims const>, JwtFault>;

  JwtVerifier(JwtRules rules, std::shared_ptr<JwtKeys const> keys)
      : rules_(std::move(rules)), keys_(std::move(keys)) {}

  [[nodiscard]] Result verify(std::string_view token, Clock::time_point now);

  /// Other keys from now on, and nothing remembered of what the earlier ones have signed.
  void replace(std::shared_ptr<JwtKeys const> keys);
  /// Another number after each replacement.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] bool has_keys() const { return !keys_->empty(); }

  static constexpr std::size_t most_remembered = 1000;

 private:
  void remember(std::string hash, std::shared_ptr<JwtClaims const> claims, Clock::time_point now);

  JwtRules const rules_;
  std::shared_ptr<JwtKeys const> keys_;  ///< shared with the other shards
  std::uint64_t generation_ = 0;
  std::unordered_map<std::string, std::shared_ptr<JwtClaims const>> remembered_;  ///< by the token's SHA-256
};

}  // namespace reachback::gateway
