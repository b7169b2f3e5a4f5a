#include "gateway/jwt.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "jwt_making.hpp"
#include "jwt_vectors.hpp"

using namespace reachback;
using namespace reachback::jwt_making;
using namespace std::chrono_literals;
using gateway::Action;
using gateway::JwtFault;
using gateway::JwtKeys;
using gateway::JwtRules;
using gateway::JwtVerifier;
using gateway::read_claims;

namespace {

JwtVerifier::Clock::time_point const noon{1'800'000'000s};

/// Nothing when the claims are good.
std::optional<JwtFault> fault_of(std::string const& claims, JwtRules const& rules = {}) {
  auto const read = read_claims(claims, rules, noon);
  return read ? std::nullopt : std::optional(read.error());
}

gateway::JwtClaims good(std::string const& claims) {
  auto read = read_claims(claims, {}, noon);
  REQUIRE(read.has_value());
  return *std::move(read);
}

std::string with(std::string const& more) { return R"({"sub":"ann","exp":1800000060)" + more + "}"; }

std::shared_ptr<JwtKeys const> keys_of(std::string const& set) {
  auto keys = JwtKeys::read(set);
  REQUIRE(keys.has_value());
  return std::make_shared<JwtKeys const>(*std::move(keys));
}

JwtVerifier verifier(std::string const& set = set_of(secret_key())) { return {{}, keys_of(set)}; }

std::string token_until(std::chrono::seconds since_noon, std::string const& subject = "ann") {
  return sign(
      fmt::format(R"({{"sub":"{}","exp":{}}})", subject, (noon + since_noon).time_since_epoch() / 1s));
}

}  // namespace

TEST_SUITE("JWT: claims") {
  TEST_CASE("tell who it is and until when") {
    auto const claims = good(with(""));
    CHECK(claims.subject == "ann");
    CHECK(claims.expires == noon + 60s);
    CHECK(good(R"({"sub":"ann","exp":1800000000.5})").expires == noon + 500ms);
  }

  TEST_CASE("have to say both") {
    CHECK(fault_of(R"({"sub":"ann"})") == JwtFault::incomplete);
    CHECK(fault_of(R"({"exp":1800000060})") == JwtFault::incomplete);
    CHECK(fault_of(R"({"sub":"","exp":1800000060})") == JwtFault::incomplete);
    CHECK(fault_of(R"({"sub":7,"exp":1800000060})") == JwtFault::incomplete);
    for (std::string const time : {R"("1800000060")", "null", "true", "[1800000060]", "{}"}) {
      CHECK_MESSAGE(fault_of(R"({"sub":"ann","exp":)" + time + "}") == JwtFault::incomplete, time);
      CHECK_MESSAGE(fault_of(with(R"(,"nbf":)" + time)) == JwtFault::incomplete, time);
    }
  }

  TEST_CASE("hold to the second in which they expire") {
    CHECK(fault_of(R"({"sub":"ann","exp":1800000001})") == std::nullopt);
    for (std::string const time : {"1800000000", "1799999999", "0", "-1", "-1e300"})
      CHECK_MESSAGE(fault_of(R"({"sub":"ann","exp":)" + time + "}") == JwtFault::expired, time);
  }

  TEST_CASE("may name a time that is farther than any clock") {
    for (std::string const time :
         {"7258118400", "253402300800", "9223372036854775807", "18446744073709551615", "1e25", "1e300"}) {
      CAPTURE(time);
      auto const expires = good(R"({"sub":"ann","exp":)" + time + "}").expires;
      CHECK(expires > noon + std::chrono::hours(24 * 365 * 100));
      CHECK(expires - noon > 0s);
    }
  }

  TEST_CASE("may begin up to half a minute ahead, as clocks differ") {
    CHECK(fault_of(with(R"(,"nbf":1800000000)")) == std::nullopt);
    CHECK(fault_of(with(R"(,"nbf":1800000030)")) == std::nullopt);
    CHECK(fault_of(with(R"(,"nbf":1800000031)")) == JwtFault::not_yet);
    CHECK(fault_of(with(R"(,"nbf":1e300)")) == JwtFault::not_yet);
  }

  TEST_CASE("are of the issuer that is asked for") {
    JwtRules const rules{"https://id.example", ""};
    CHECK(fault_of(with(R"(,"iss":"https://id.example")"), rules) == std::nullopt);
    CHECK(fault_of(with(R"(,"iss":"https://id.example/")"), rules) == JwtFault::wrong_issuer);
    CHECK(fault_of(with(R"(,"iss":["https://id.example"])"), rules) == JwtFault::wrong_issuer);
    CHECK(fault_of(with(""), rules) == JwtFault::wrong_issuer);
    CHECK(fault_of(with(R"(,"iss":"anybody")")) == std::nullopt);
  }

  TEST_CASE("are for us or for nobody in particular") {
    JwtRules const rules{"", "lab"};
    CHECK(fault_of(with(R"(,"aud":"lab")"), rules) == std::nullopt);
    CHECK(fault_of(with(R"(,"aud":["other","lab"])"), rules) == std::nullopt);
    CHECK(fault_of(with(R"(,"aud":["other"])"), rules) == JwtFault::wrong_audience);
    CHECK(fault_of(with(R"(,"aud":[])"), rules) == JwtFault::wrong_audience);
    CHECK(fault_of(with(R"(,"aud":7)"), rules) == JwtFault::wrong_audience);
    CHECK(fault_of(with(""), rules) == JwtFault::wrong_audience);
    CHECK(fault_of(with("")) == std::nullopt);
    CHECK(fault_of(with(R"(,"aud":"lab")")) == JwtFault::wrong_audience);
  }

  TEST_CASE("give our scopes, and those of others say nothing") {
    for (std::string const scopes : {R"("scope":"openid serve:wsData  email admins call:*")",
                                     R"("scopes":["openid","serve:wsData",7,"call:*","serve:a b"])",
                                     R"("scope":["serve:wsData"],"scopes":"call:*")"}) {
      CAPTURE(scopes);
      auto const claims = good(with("," + scopes));
      CHECK(claims.scopes.allow(Action::serve, "wsData"));
      CHECK(claims.scopes.allow(Action::call, "anything"));
      CHECK_FALSE(claims.scopes.allow(Action::serve, "wsSubject"));
      CHECK_FALSE(claims.scopes.allow(Action::admin, ""));
    }
    CHECK(good(with(R"(,"scope":"*")")).scopes.allow(Action::admin, ""));
    for (std::string const none : {"", R"(,"scope":7)", R"(,"scope":"")", R"(,"scope":null)"})
      CHECK_FALSE(good(with(none)).scopes.allow(Action::call, "wsData"));
  }

  TEST_CASE("are a JSON object") {
    for (std::string const text : {"", "7", "[]", "{", R"({"sub":"ann","exp":1800000060}})", "\xff"})
      CHECK_MESSAGE(fault_of(text) == JwtFault::malformed, text);
    CHECK(fault_of(std::string(6000, '[')) == JwtFault::malformed);
  }
}

TEST_SUITE("JWT: verifying again and again") {
  TEST_CASE("a token that was good is good until it expires") {
    auto jwts = verifier();
    auto const token = token_until(60s);
    for (auto const time : {noon, noon + 1s, noon + 59s}) CHECK(jwts.verify(token, time).has_value());
    CHECK(*jwts.verify(token, noon) == *jwts.verify(token, noon));  // remembered
    for (auto const time : {noon + 60s, noon + 61s}) {
      auto const later = jwts.verify(token, time);
      REQUIRE(later.has_error());
      CHECK(later.error() == JwtFault::expired);
    }
  }

  TEST_CASE("with other keys, what the old ones have signed is forgotten") {
    auto jwts = verifier();
    auto const token = token_until(60s);
    CHECK(jwts.verify(token, noon).has_value());
    auto const before = jwts.generation();
    jwts.replace(keys_of(set_of(secret_key(std::string(32, 'o')))));
    CHECK_FALSE(jwts.verify(token, noon).has_value());
    CHECK(jwts.generation() != before);
  }

  TEST_CASE("a token that differs in one character is another token") {
    auto jwts = verifier();
    auto token = token_until(60s);
    CHECK(jwts.verify(token, noon).has_value());
    token[token.size() - 5] = token[token.size() - 5] == 'A' ? 'B' : 'A';
    CHECK_FALSE(jwts.verify(token, noon).has_value());
  }

  TEST_CASE("however many tokens come, each is told from the others") {
    auto jwts = verifier();
    for (std::size_t i = 0; i < 2 * JwtVerifier::most_remembered + 10; ++i) {
      auto const name = fmt::format("user {}", i);
      auto const claims = jwts.verify(token_until(60s, name), noon);
      REQUIRE(claims.has_value());
      CHECK((*claims)->subject == name);
    }
  }
}
