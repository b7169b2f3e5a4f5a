#include "gateway/jwt_keys.hpp"

#include <cjose/cjose.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "reachback/proto/base64.hpp"

namespace reachback::gateway {
namespace {

namespace json = boost::json;

/// Beyond this it is no token; heads of HTTP requests are hardly longer.
constexpr std::size_t longest_token = 8 * 1024;
/// Of a set; all issuers that publish one stay far below.
constexpr std::size_t most_keys = 32;
constexpr std::size_t least_rsa_bits = 2048;    // RFC 7518, 3.3
constexpr std::size_t least_secret_bits = 256;  // RFC 7518, 3.2

struct ReleaseJws {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};
using Jws = std::unique_ptr<cjose_jws_t, ReleaseJws>;

/// What failed checks leave in OpenSSL's queue would be taken for a fault of the thread's next TLS operation.
class NoErrorsLeft {
 public:
  NoErrorsLeft() = default;
  ~NoErrorsLeft() { ERR_clear_error(); }
  NoErrorsLeft(NoErrorsLeft const&) = delete;
  NoErrorsLeft& operator=(NoErrorsLeft const&) = delete;
};

std::string_view text_at(json::object const& object, std::string_view name) {
  auto const* const value = object.if_contains(name);
  auto const* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

/// The algorithm that a key is for; nothing when it is none of ours.
std::optional<std::string_view> algorithm_of(json::object const& jwk) {
  std::string_view const type = text_at(jwk, "kty");
  std::string_view algorithm;
  if (type == "oct") algorithm = "HS256";
  if (type == "RSA") algorithm = "RS256";
  if (type == "EC" && text_at(jwk, "crv") == "P-256") algorithm = "ES256";
  bool const for_signatures = !jwk.contains("use") || text_at(jwk, "use") == "sig";
  bool const for_another = jwk.contains("alg") && text_at(jwk, "alg") != algorithm;
  if (algorithm.empty() || !for_signatures || for_another) return std::nullopt;
  return algorithm;
}

bool is_base64url(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

/// What cjose decodes of a JWK. By RFC 7515, 2 it has no padding; over a `=` behind 4n+1 letters cjose would
/// end the process (tests/issues/cjose_padding.cpp).
constexpr std::array<std::string_view, 10> encoded_members = {"k", "n", "e",  "x",  "y",
                                                              "p", "q", "dp", "dq", "qi"};

std::size_t base64_size(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

std::size_t signature_bytes(std::string_view algorithm, std::size_t key_bits) {
  if (algorithm == "HS256") return 32;
  if (algorithm == "ES256") return 64;
  return (key_bits + 7) / 8;
}

std::string_view header_text(cjose_jws_t* jws, char const* name) {
  char const* const text = cjose_header_get(cjose_jws_get_protected(jws), name, nullptr);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// Checks of one token: each takes up to a fifth of a millisecond of the shard. Issuers with more keys of an
/// algorithm name the key.
constexpr unsigned most_tries = 4;

/// RFC 7515, 4.1.11: who does not know an extension that is critical has to refuse the token. cjose tells of
/// `crit` only when it has the right type.
bool may_be_critical(std::string_view token) {
  std::string header(token.substr(0, token.find('.')));
  std::ranges::replace(header, '-', '+');
  std::ranges::replace(header, '_', '/');
  header.resize((header.size() + 3) / 4 * 4, '=');
  std::string text;
  if (!proto::decode_base64(header, proto::Padding::allowed, text)) return true;
  boost::system::error_code error;
  json::value const parsed = json::parse(text, error);
  auto const* const members = error ? nullptr : parsed.if_object();
  return members == nullptr || members->contains("crit");
}

}  // namespace

std::string_view description_of(JwtFault fault) {
  switch (fault) {
    case JwtFault::malformed:
    case JwtFault::unknown_key:
    case JwtFault::wrong_signature:
      return "the token is not valid";
    default:
      return reason_of(fault);
  }
}

std::string_view reason_of(JwtFault fault) {
  switch (fault) {
    case JwtFault::malformed:
      return "the token is malformed";
    case JwtFault::unknown_key:
      return "no key has the token's id and algorithm";
    case JwtFault::wrong_signature:
      return "the token's signature is wrong";
    case JwtFault::incomplete:
      return "the token lacks sub or exp, or has a time that is none";
    case JwtFault::expired:
      return "the token has expired";
    case JwtFault::not_yet:
      return "the token is not valid yet";
    case JwtFault::wrong_issuer:
      return "the token is of another issuer";
    case JwtFault::wrong_audience:
      break;
  }
  return "the token is for another audience";
}

bool looks_like_jwt(std::string_view text) {
  auto const first = text.find('.');
  auto const second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || first == 0 || second == first + 1 || second + 1 == text.size()) return false;
  return is_base64url(text.substr(0, first)) && is_base64url(text.substr(first + 1, second - first - 1)) &&
         is_base64url(text.substr(second + 1));
}

boost::system::result<JwtKeys, JwtKeys::Fault> JwtKeys::read(std::string_view jwk_set) {
  NoErrorsLeft const guard;
  boost::system::error_code error;
  json::value const parsed = json::parse(jwk_set, error);
  auto const* const set = error ? nullptr : parsed.if_object();
  auto const* const listed = set == nullptr ? nullptr : set->if_contains("keys");
  if (listed == nullptr || !listed->is_array()) return Fault{"is no JWK Set: {\"keys\":[...]}"};
  JwtKeys keys;
  std::size_t number = 0;
  for (json::value const& each : listed->get_array()) {
    ++number;
    auto const* const jwk = each.if_object();
    if (jwk == nullptr) return Fault{fmt::format("has a key {} that is no object", number)};
    auto const algorithm = algorithm_of(*jwk);
    if (!algorithm) {
      ++keys.passed_over_;
      continue;
    }
    if (jwk->contains("d"))
      return Fault{fmt::format("has a key {} that is private: only its issuer has it", number)};
    for (auto const name : encoded_members) {
      if (!is_base64url(text_at(*jwk, name)))
        return Fault{fmt::format("has a key {} whose {} is no base64url", number, name)};
    }
    if (keys.size() == most_keys) return Fault{fmt::format("has more than {} keys", most_keys)};
    if (auto const added = keys.add(json::serialize(*jwk), *algorithm); !added)
      return Fault{fmt::format("has a key {} that {}", number, added.error().text)};
  }
  if (keys.empty()) return Fault{"has no key for HS256, RS256 or ES256"};
  return keys;
}

boost::system::result<void, JwtKeys::Fault> JwtKeys::add(std::string const& jwk, std::string_view algorithm) {
  auto* const imported = cjose_jwk_import(jwk.data(), jwk.size(), nullptr);
  if (imported == nullptr) return Fault{"cannot be read"};
  std::shared_ptr<_cjose_jwk_int const> const key(imported,
                                                  [](cjose_jwk_t* each) { cjose_jwk_release(each); });
  std::size_t const bits = cjose_jwk_get_keysize(imported, nullptr);
  if (algorithm == "RS256" && bits < least_rsa_bits)
    return Fault{fmt::format("has {} bits: RS256 needs {}", bits, least_rsa_bits)};
  if (algorithm == "HS256" && bits < least_secret_bits)
    return Fault{fmt::format("has {} bytes: HS256 needs {}", bits / 8, least_secret_bits / 8)};
  char const* const id = cjose_jwk_get_kid(imported, nullptr);
  keys_.push_back({key, id == nullptr ? "" : id, algorithm, base64_size(signature_bytes(algorithm, bits))});
  return {};
}

boost::system::result<std::string, JwtFault> JwtKeys::open(std::string_view token) const {
  if (token.size() > longest_token || !looks_like_jwt(token) || may_be_critical(token))
    return JwtFault::malformed;
  NoErrorsLeft const guard;
  Jws const jws(cjose_jws_import(token.data(), token.size(), nullptr));
  if (!jws) return JwtFault::malformed;
  auto const algorithm = header_text(jws.get(), CJOSE_HDR_ALG);
  auto const id = header_text(jws.get(), CJOSE_HDR_KID);
  // cjose reads 32 bytes of an HMAC however few there are, and takes an ES256 signature of any length.
  auto const signature_size = token.size() - token.rfind('.') - 1;
  bool known = false;
  unsigned tries = 0;
  for (Key const& key : keys_) {
    if (key.algorithm != algorithm || !(id.empty() || key.id.empty() || id == key.id)) continue;
    known = true;
    if (tries++ == most_tries) break;
    if (signature_size != key.signature_size || !cjose_jws_verify(jws.get(), key.jwk.get(), nullptr))
      continue;
    std::uint8_t* payload = nullptr;  // the token's own
    std::size_t size = 0;
    if (!cjose_jws_get_plaintext(jws.get(), &payload, &size, nullptr)) return JwtFault::malformed;
    return std::string(reinterpret_cast<char const*>(payload), size);
  }
  return known ? JwtFault::wrong_signature : JwtFault::unknown_key;
}

}  // namespace reachback::gateway
