// JWTs, and the JWK Sets that they are verified with. An input that begins with `{` is a set, any other a
// token for a gateway that has a key of each kind: only what one of those has signed is good.
#include "gateway/jwt.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "target.hpp"
#include "unit/gateway/jwt_making.hpp"
#include "unit/gateway/jwt_vectors.hpp"

namespace reachback::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr gateway::JwtVerifier::Clock::time_point now(1'800'000'000s), expired(1'800'003'600s);
constexpr std::string_view claims = R"({"sub":"ann","exp":1800003600,"scope":"call:*"})";

/// Those that we know to be signed, one of each algorithm.
std::array<std::string, 3> const& good_tokens() {
  static std::array const tokens = {jwt_making::sign(claims), std::string(jwt_vectors::rs256),
                                    std::string(jwt_vectors::es256)};
  return tokens;
}

/// Header and payload. The signature is not compared: one of ECDSA has a second form that is as good.
std::string_view signed_part(std::string_view token) { return token.substr(0, token.rfind('.')); }

bool is_ours(std::string_view token) {
  return std::ranges::any_of(good_tokens(),
                             [=](auto const& good) { return signed_part(good) == signed_part(token); });
}

gateway::JwtVerifier make_verifier() {
  auto keys = gateway::JwtKeys::read(
      jwt_making::set_of(jwt_making::secret_key(), jwt_vectors::rsa_key, jwt_vectors::ec_key));
  expect(keys && keys->size() == 3, "the keys are read");
  gateway::JwtVerifier verifier({}, std::make_shared<gateway::JwtKeys const>(std::move(*keys)));
  for (auto const& token : good_tokens())
    expect(verifier.verify(token, now).has_value(), "what was signed is good");
  return verifier;
}

void check_token(std::string_view token) {
  static auto verifier = make_verifier();
  auto const first = verifier.verify(token, now);
  auto const again = verifier.verify(token, now);
  expect(first.has_value() == again.has_value(), "a token is as good the second time");
  expect(!verifier.verify(token, expired).has_value(), "a token ends");
  if (!first) return;
  expect(is_ours(token), "only what was signed is good");
  expect(gateway::looks_like_jwt(token), "what is good has the form");
  expect((*first)->subject == "ann" && (*first)->expires == expired, "it says what was signed");
}

void check_set(std::string_view text) {
  auto const keys = gateway::JwtKeys::read(text);
  if (!keys) return expect(!keys.error().text.empty(), "a fault has a text");
  expect(!keys->empty(), "a set has a key that is of use");
  for (auto const& token : good_tokens()) {
    auto const payload = keys->open(token);
    expect(!payload || *payload == claims, "a token opens to what was signed");
  }
}

void run(std::string_view input) { return input.starts_with('{') ? check_set(input) : check_token(input); }

Registration const registration("jwt", run);

}  // namespace
}  // namespace reachback::fuzz
