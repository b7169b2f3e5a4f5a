#include "gateway/jwt.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "gateway/secrets.hpp"

namespace reachback::gateway {
namespace {

namespace json = boost::json;
using TimePoint = std::chrono::system_clock::time_point;

/// The year 2200: later times would not fit into the clock.
constexpr double latest = 7'258'118'400;

/// A NumericDate: seconds since the epoch, fractions allowed.
std::optional<TimePoint> time_of(json::value const& value) {
  if (!value.is_number()) return std::nullopt;
  std::chrono::duration<double> const seconds(std::clamp(value.to_number<double>(), 0.0, latest));
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(seconds));
}

bool is_text(json::value const* value, std::string_view text) {
  return value != nullptr && value->is_string() && value->get_string() == text;
}

/// RFC 7519, 4.1.3: who is not among those whom a token is for has to refuse it.
bool is_for(json::value const* audience, std::string const& us) {
  if (audience == nullptr) return us.empty();
  if (us.empty()) return false;
  auto const* const list = audience->if_array();
  if (list == nullptr) return is_text(audience, us);
  return std::ranges::any_of(*list, [&us](json::value const& each) { return is_text(&each, us); });
}

void add_scopes(json::value const* value, std::vector<std::string>& scopes) {
  if (value == nullptr) return;
  if (auto const* const list = value->if_array()) {
    for (json::value const& each : *list) {
      if (each.is_string()) scopes.emplace_back(each.get_string());
    }
  } else if (auto const* const text = value->if_string()) {
    for (auto const& word : std::views::split(std::string_view(*text), ' '))
      scopes.emplace_back(word.begin(), word.end());
  }
}

}  // namespace

boost::system::result<JwtClaims, JwtFault> read_claims(std::string_view payload, JwtRules const& rules,
                                                       TimePoint now) {
  boost::system::error_code error;
  json::value const parsed = json::parse(payload, error);
  auto const* const claims = error ? nullptr : parsed.if_object();
  if (claims == nullptr) return JwtFault::malformed;
  auto const* const exp = claims->if_contains("exp");
  auto const* const nbf = claims->if_contains("nbf");
  auto const* const sub = claims->if_contains("sub");
  auto const expires = exp == nullptr ? std::nullopt : time_of(*exp);
  auto const begins = nbf == nullptr ? std::optional(TimePoint()) : time_of(*nbf);
  bool const has_name = sub != nullptr && sub->is_string() && !sub->get_string().empty();
  if (!expires || !begins || !has_name) return JwtFault::incomplete;
  if (now >= *expires) return JwtFault::expired;
  if (now + leeway < *begins) return JwtFault::not_yet;
  if (!rules.issuer.empty() && !is_text(claims->if_contains("iss"), rules.issuer))
    return JwtFault::wrong_issuer;
  if (!is_for(claims->if_contains("aud"), rules.audience)) return JwtFault::wrong_audience;
  std::vector<std::string> scopes;
  add_scopes(claims->if_contains("scope"), scopes);
  add_scopes(claims->if_contains("scopes"), scopes);
  return JwtClaims{std::string(sub->get_string()), Scopes::known_among(scopes), *expires};
}

JwtVerifier::Result JwtVerifier::verify(std::string_view token, Clock::time_point now) {
  std::string hash = sha256(token);
  if (auto const found = remembered_.find(hash); found != remembered_.end()) {
    if (now < found->second->expires) return found->second;
    remembered_.erase(found);
    return JwtFault::expired;
  }
  auto const payload = keys_->open(token);
  if (!payload) return payload.error();
  auto claims = read_claims(*payload, rules_, now);
  if (!claims) return claims.error();
  auto const shared = std::make_shared<JwtClaims const>(std::move(*claims));
  remember(std::move(hash), shared, now);
  return shared;
}

void JwtVerifier::remember(std::string hash, std::shared_ptr<JwtClaims const> claims, Clock::time_point now) {
  if (remembered_.size() >= most_remembered)
    std::erase_if(remembered_, [now](auto const& entry) { return now >= entry.second->expires; });
  // Rather verify all once more than keep a record of who came last.
  if (remembered_.size() >= most_remembered) remembered_.clear();
  remembered_.emplace(std::move(hash), std::move(claims));
}

void JwtVerifier::replace(std::shared_ptr<JwtKeys const> keys) {
  keys_ = std::move(keys);
  remembered_.clear();
  ++generation_;
}

}  // namespace reachback::gateway
