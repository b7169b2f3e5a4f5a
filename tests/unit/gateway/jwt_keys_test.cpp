#include "gateway/jwt_keys.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <string>

#include "jwt_making.hpp"
#include "jwt_vectors.hpp"

using namespace reachback;
using namespace reachback::jwt_making;
using namespace reachback::jwt_vectors;
using gateway::JwtFault;
using gateway::JwtKeys;

namespace {

JwtKeys keys_of(std::string const& set) {
  auto keys = JwtKeys::read(set);
  REQUIRE_MESSAGE(keys.has_value(), keys.error().text);
  return *std::move(keys);
}

bool opens(JwtKeys const& keys, std::string_view token) { return keys.open(token).has_value(); }

JwtFault fault_of(JwtKeys const& keys, std::string_view token) {
  auto const opened = keys.open(token);
  REQUIRE(opened.has_error());
  return opened.error();
}

std::string refusal_of(std::string const& set) {
  auto const keys = JwtKeys::read(set);
  return keys ? "none" : keys.error().text;
}

std::string const with_id_a = R"(,"kid":"a")";
std::string const with_id_b = R"(,"kid":"b")";
constexpr std::string_view claims = R"({"sub":"ann"})";

}  // namespace

TEST_SUITE("JWT keys: signatures") {
  TEST_CASE("a token that one of the keys has signed is opened") {
    auto const keys = keys_of(set_of(rsa_key, ec_key, secret_key()));
    CHECK(keys.size() == 3);
    for (auto const& token : {std::string(rs256), std::string(rs256_typed), std::string(es256), sign(claims)})
      CHECK_MESSAGE(opens(keys, token), token);
    CHECK(*keys.open(rs256) == R"({"sub":"ann","exp":1800003600,"scope":"call:*"})");
  }

  TEST_CASE("each algorithm needs a key of its own") {
    CHECK(fault_of(keys_of(set_of(ec_key)), rs256) == JwtFault::unknown_key);
    CHECK(fault_of(keys_of(set_of(rsa_key)), es256) == JwtFault::unknown_key);
    CHECK(fault_of(keys_of(set_of(rsa_key, ec_key)), sign(claims)) == JwtFault::unknown_key);
    CHECK(fault_of(JwtKeys(), rs256) == JwtFault::unknown_key);
  }

  TEST_CASE("a public key is no secret that a token could be signed with") {
    auto const keys = keys_of(set_of(rsa_key, ec_key));
    for (std::string_view const known_to_all : {rsa_key, ec_key}) {
      auto const forged = sign(claims, R"({"alg":"HS256"})", known_to_all);
      CHECK(fault_of(keys, forged) == JwtFault::unknown_key);
    }
  }

  TEST_CASE("the other algorithms of a key's family are refused though the key would fit") {
    auto const keys = keys_of(set_of(rsa_key, ec_key, secret_key()));
    for (auto const& token : {rs512, ps256, es384}) CHECK(fault_of(keys, token) == JwtFault::unknown_key);
    CHECK(fault_of(keys, sign(claims, R"({"alg":"HS512"})")) == JwtFault::unknown_key);
  }

  TEST_CASE("a token without a signature is refused, whatever it calls that") {
    auto const keys = keys_of(set_of(rsa_key, secret_key()));
    for (std::string_view const name : {"none", "None", "NONE", ""}) {
      auto const head = base64url(fmt::format(R"({{"alg":"{}"}})", name));
      CHECK_FALSE(opens(keys, head + '.' + base64url(claims) + '.'));
      CHECK_FALSE(opens(keys, head + '.' + base64url(claims) + ".AAAA"));
    }
    auto const unsigned_part = std::string(rs256.substr(0, rs256.rfind('.') + 1));
    CHECK(fault_of(keys, unsigned_part) == JwtFault::malformed);
  }

  TEST_CASE("a signature counts in its whole length only") {
    auto const keys = keys_of(set_of(rsa_key, ec_key, secret_key()));
    for (auto const& token : {std::string(rs256), std::string(es256), sign(claims)}) {
      CAPTURE(token);
      CHECK(fault_of(keys, token + "AAAA") == JwtFault::wrong_signature);
      for (std::size_t left = 2; left < 8; ++left) {
        auto const cut = token.substr(0, token.rfind('.') + left);
        CHECK_FALSE(opens(keys, cut));
      }
    }
  }

  TEST_CASE("whoever changes a byte has no signature") {
    auto const keys = keys_of(set_of(rsa_key, ec_key, secret_key()));
    for (auto const& token : {std::string(rs256), std::string(es256), sign(claims)}) {
      // The last character of a part may hold bits that no byte uses.
      for (std::size_t at = 0; at + 1 < token.size(); at += 7) {
        auto changed = token;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        if (token[at] == '.' || token[at + 1] == '.') continue;
        CHECK_FALSE_MESSAGE(opens(keys, changed), at);
      }
    }
  }

  TEST_CASE("garbage, extensions that are critical, and what is too long are malformed") {
    auto const keys = keys_of(set_of(secret_key()));
    for (std::string const text : {"", ".", "..", "a.b", "a.b.c.d", "a.b.c", "e30.e30.e30", "W10.e30.AAAA"})
      CHECK_MESSAGE(fault_of(keys, text) == JwtFault::malformed, text);
    for (std::string const critical : {R"(["exp"])", "[]", "{}", "7", R"("exp")", "true", "null"})
      CHECK(fault_of(keys, sign(claims, R"({"alg":"HS256","exp":1,"crit":)" + critical + "}")) ==
            JwtFault::malformed);
    CHECK(fault_of(keys, sign(claims, R"({"alg":7})")) == JwtFault::malformed);
    CHECK(fault_of(keys, sign(claims) + '\n') == JwtFault::malformed);
    CHECK(fault_of(keys, ' ' + sign(claims)) == JwtFault::malformed);
    CHECK(opens(keys, sign(std::string(5000, ' '))));
    CHECK(fault_of(keys, sign(std::string(7000, ' '))) == JwtFault::malformed);
    CHECK(fault_of(keys, sign(claims, std::string(6000, '['))) == JwtFault::malformed);
  }

  TEST_CASE("nothing is left in OpenSSL's queue of errors, where TLS would find it") {
    auto const keys = keys_of(set_of(rsa_key, ec_key));
    auto wrong = std::string(rs256);
    wrong[wrong.size() - 9] = wrong[wrong.size() - 9] == 'A' ? 'B' : 'A';
    CHECK_FALSE(opens(keys, wrong));
    CHECK(ERR_peek_error() == 0);
    CHECK(refusal_of(set_of(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})")) != "none");
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_SUITE("JWT keys: which key") {
  TEST_CASE("while keys are changed over, tokens of both are good") {
    std::string const other(32, 'o');
    auto const keys = keys_of(set_of(secret_key(secret, with_id_a), secret_key(other, with_id_b)));
    CHECK(opens(keys, sign(claims, R"({"alg":"HS256","kid":"a"})")));
    CHECK(opens(keys, sign(claims, R"({"alg":"HS256","kid":"b"})", other)));
    CHECK(opens(keys, sign(claims)));
    CHECK(opens(keys, sign(claims, R"({"alg":"HS256"})", other)));
  }

  TEST_CASE("a token is tried with four keys at most: of more, it has to name its own") {
    std::string const last(32, 'l');
    std::string set;
    for (char const id : {'a', 'b', 'c', 'd'}) {
      auto const member = std::string(R"(,"kid":")") + id + '"';
      set += secret_key(std::string(32, id), member) + ",";
    }
    auto const keys = keys_of(R"({"keys":[)" + set + secret_key(last, R"(,"kid":"l")") + "]}");
    CHECK(opens(keys, sign(claims, R"({"alg":"HS256"})", std::string(32, 'd'))));
    CHECK(fault_of(keys, sign(claims, R"({"alg":"HS256"})", last)) == JwtFault::wrong_signature);
    CHECK(opens(keys, sign(claims, R"({"alg":"HS256","kid":"l"})", last)));
  }

  TEST_CASE("a token that names its key is held to that one") {
    std::string const other(32, 'o');
    auto const keys = keys_of(set_of(secret_key(secret, with_id_a), secret_key(other, with_id_b)));
    CHECK(fault_of(keys, sign(claims, R"({"alg":"HS256","kid":"b"})")) == JwtFault::wrong_signature);
    CHECK(fault_of(keys, sign(claims, R"({"alg":"HS256","kid":"c"})")) == JwtFault::unknown_key);
    CHECK(opens(keys_of(set_of(secret_key())), sign(claims, R"({"alg":"HS256","kid":"c"})")));
  }
}

TEST_SUITE("JWT keys: the set") {
  TEST_CASE("what an issuer publishes for other uses is passed over") {
    auto const keys = keys_of(set_of(rsa_key, p384_key, R"({"kty":"OKP","crv":"Ed25519","x":"AA"})",
                                     R"({"kty":"RSA","alg":"RS512","n":"AA","e":"AQAB"})",
                                     R"({"kty":"RSA","use":"enc","n":"AA","e":"AQAB"})",
                                     R"({"kty":"oct","alg":"A256KW","k":"AA"})", "{}"));
    CHECK(keys.size() == 1);
    CHECK(keys.passed_over() == 6);
  }

  TEST_CASE("what is no set of good keys is refused, with the number of the key and nothing of it") {
    CHECK(refusal_of("") == R"(is no JWK Set: {"keys":[...]})");
    CHECK(refusal_of("-----BEGIN PUBLIC KEY-----") == R"(is no JWK Set: {"keys":[...]})");
    CHECK(refusal_of(R"({"keys":{}})") == R"(is no JWK Set: {"keys":[...]})");
    CHECK(refusal_of(set_of()) == "has no key for HS256, RS256 or ES256");
    CHECK(refusal_of(set_of(p384_key)) == "has no key for HS256, RS256 or ES256");
    CHECK(refusal_of(set_of("7")) == "has a key 1 that is no object");
    CHECK(refusal_of(set_of(rsa_key, short_rsa_key)) == "has a key 2 that has 1024 bits: RS256 needs 2048");
    CHECK(refusal_of(set_of(secret_key("31 bytes are too few for HS256.."))) == "none");
    CHECK(refusal_of(set_of(secret_key("31 bytes are too few for HS256."))) ==
          "has a key 1 that has 31 bytes: HS256 needs 32");
    CHECK(refusal_of(set_of(R"({"kty":"RSA","n":"AQAB"})")) == "has a key 1 that cannot be read");
    CHECK(refusal_of(set_of(R"({"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"})")) ==
          "has a key 1 that cannot be read");
    for (std::string_view const member : {"k", "n", "e", "x", "y", "p", "q", "dp", "dq", "qi"}) {
      for (std::string_view const padded : {"c=M", "c3Nz=c3M", "=", "c3Nzcw==", R"(c\u003dM)"}) {
        auto const key = fmt::format(R"({{"kty":"RSA","{}":"{}{}"}})", member, std::string(44, 'a'), padded);
        CHECK(refusal_of(set_of(rsa_key, key)) ==
              fmt::format("has a key 2 whose {} is no base64url", member));
      }
    }
    auto const private_key = std::string(ec_key.substr(0, ec_key.size() - 1)) + R"(,"d":"AQAB"})";
    CHECK(refusal_of(set_of(private_key)) == "has a key 1 that is private: only its issuer has it");
  }

  TEST_CASE("of a set's keys there are at most 32") {
    auto const set = [](int count) {
      std::string listed;
      for (int i = 0; i < count; ++i) listed += (i == 0 ? "" : ",") + secret_key();
      return R"({"keys":[)" + listed + "]}";
    };
    CHECK(refusal_of(set(32)) == "none");
    CHECK(refusal_of(set(33)) == "has more than 32 keys");
  }
}
