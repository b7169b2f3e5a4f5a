#include "gateway/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/field_text.hpp"
#include "gateway/secrets.hpp"

namespace reachback::gateway {
namespace {

constexpr std::size_t key_size = 32;

/// Without a counter that all shards would write to.
std::shared_ptr<Scopes const> owned_by_nobody(Scopes const& scopes) {
  return {std::shared_ptr<void>(), &scopes};
}

}  // namespace

std::string_view cookie(wire::HttpFields const& fields, std::string_view name) {
  for (std::string_view line : fields.all("Cookie")) {
    while (!line.empty()) {
      auto const end = std::min(line.find(';'), line.size());
      std::string_view const pair = trim(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
      auto const equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
  }
  return {};
}

Credentials::Credentials(std::vector<TokenConfig> const& tokens, std::string cookie_key)
    : key_(cookie_key.empty() ? random_bytes(key_size) : std::move(cookie_key)) {
  for (auto const& token : tokens)
    tokens_.push_back({from_hex(token.sha256).value(), token.name, *Scopes::read(token.scopes)});
}

Credentials::Verdict Credentials::verify(wire::HttpFields const& fields, WallClock::time_point now,
                                         JwtVerifier& jwts, LastToken& last) const {
  std::string_view const authorization = fields.get("Authorization");
  if (authorization.empty()) {
    auto who = verify_login(cookie(fields, "login"), now);
    return who ? Verdict(*std::move(who)) : Verdict(Refusal());
  }
  auto const& expires = last.identity.expires;
  bool const holds = !expires || (now < *expires && last.jwt_generation == jwts.generation());
  if (holds && equal_in_constant_time(authorization, last.authorization)) return last.identity;
  auto who = verify_token(authorization, now, jwts);
  if (who) last = {std::string(authorization), *who, jwts.generation()};
  return who;
}

Credentials::Verdict Credentials::verify_token(std::string_view authorization, WallClock::time_point now,
                                               JwtVerifier& jwts) const {
  constexpr std::string_view scheme = "Bearer ";
  if (authorization.size() <= scheme.size() ||
      !wire::equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) {
    return Refusal();
  }
  std::string_view const shown = trim(authorization.substr(scheme.size()));
  std::string const hash = sha256(shown);
  Token const* known = nullptr;
  for (auto const& token : tokens_) {
    if (equal_in_constant_time(hash, token.hash)) known = &token;
  }
  if (known != nullptr) return Identity{known->user, owned_by_nobody(known->scopes)};
  if (!jwts.has_keys() || !looks_like_jwt(shown))
    return Refusal{true, "the token is not valid", "the token is unknown"};
  auto const claims = jwts.verify(shown, now);
  if (!claims) return Refusal{true, description_of(claims.error()), reason_of(claims.error())};
  return Identity{(*claims)->subject, {*claims, &(*claims)->scopes}, (*claims)->expires};
}

std::string Credentials::sign(std::string_view text) const { return to_hex(hmac_sha256(key_, text)); }

// The cookie is USER|EXPIRY|MAC: the user's name in hex, the time in seconds since the epoch.
std::string Credentials::make_login(std::string_view user, WallClock::time_point now) const {
  auto const expiry =
      std::chrono::duration_cast<std::chrono::seconds>((now + login_lasts).time_since_epoch()).count();
  std::string const signed_part = fmt::format("{}|{}", to_hex(user), expiry);
  return fmt::format("{}|{}", signed_part, sign(signed_part));
}

std::optional<Identity> Credentials::verify_login(std::string_view cookie, WallClock::time_point now) const {
  auto const mac_at = cookie.rfind('|');
  auto const expiry_at = cookie.find('|');
  if (mac_at == std::string_view::npos || mac_at == expiry_at) return std::nullopt;
  std::string_view const signed_part = cookie.substr(0, mac_at);
  if (!equal_in_constant_time(sign(signed_part), cookie.substr(mac_at + 1))) return std::nullopt;
  long long expiry = 0;
  std::from_chars(signed_part.data() + expiry_at + 1, signed_part.data() + signed_part.size(), expiry);
  if (now >= WallClock::time_point(std::chrono::seconds(expiry))) return std::nullopt;
  return Identity{from_hex(signed_part.substr(0, expiry_at)).value_or(""), owned_by_nobody(Scopes::all())};
}

std::string Credentials::make_xsrf() { return to_hex(random_bytes(16)); }

}  // namespace reachback::gateway
