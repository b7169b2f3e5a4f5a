#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct _cjose_jwk_int;  // NOLINT(bugprone-reserved-identifier): cjose's own name

namespace reachback::gateway {

/// Why a JWT is not good.
enum class JwtFault : std::uint8_t {
  malformed,        ///< no JWT, or one that asks for what we don't know
  unknown_key,      ///< no key has its `kid` and its algorithm
  wrong_signature,  ///< none of those has signed it
  incomplete,       ///< signed, but without `sub` or `exp`, or with a time that is none
  expired,
  not_yet,
  wrong_issuer,
  wrong_audience,
};

/// What the caller may know. About a token that nobody has signed: nothing but that.
[[nodiscard]] std::string_view description_of(JwtFault fault);
/// What the operator has to know, without anything of the token's.
[[nodiscard]] std::string_view reason_of(JwtFault fault);

/// The keys that sign JWTs: a JWK Set (RFC 7517). HS256 with secrets of at least 32 bytes, RS256 with at
/// least 2048 bits, ES256. The key says which algorithm it is for, never the token (RFC 8725, 3.1). Constant:
/// any thread.
class JwtKeys {
 public:
  /// Why a text is no set of keys, to follow its name; repeats nothing of it.
  struct Fault {
    std::string text;
  };

  /// None.
  JwtKeys() = default;
  /// A set with at least one key that is of use here. Those for encryption and for other algorithms, which
  /// issuers publish beside them, are passed over.
  [[nodiscard]] static boost::system::result<JwtKeys, Fault> read(std::string_view jwk_set);

  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] std::size_t passed_over() const { return passed_over_; }

  /// The payload of a token that one of the keys has signed.
  [[nodiscard]] boost::system::result<std::string, JwtFault> open(std::string_view token) const;

 private:
  struct Key {
    std::shared_ptr<_cjose_jwk_int const> jwk;  ///< shared by the copies of the set
    std::string id;                             ///< empty: has none, and may have signed any token
    std::string_view algorithm;
    std::size_t signature_size;  ///< in base64url
  };

  [[nodiscard]] boost::system::result<void, Fault> add(std::string const& jwk, std::string_view algorithm);

  std::vector<Key> keys_;
  std::size_t passed_over_ = 0;
};

/// Whether a text has the form of a JWT: three parts of base64url with dots between them.
[[nodiscard]] bool looks_like_jwt(std::string_view text);

}  // namespace reachback::gateway
