#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/jwt.hpp"
#include "gateway/scopes.hpp"
#include "reachback/token.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

/// Who a request comes from, and what for.
struct Identity {
  std::string user;
  std::shared_ptr<Scopes const>
      scopes;  ///< of a JWT; what lives as long as the credentials is owned by nobody
  /// A JWT's end, which ends what was opened with it. Other credentials end nothing.
  std::optional<std::chrono::system_clock::time_point> expires{};

  [[nodiscard]] bool may(Action action, std::string_view endpoint) const {
    return scopes->allow(action, endpoint);
  }
};

/// Why a request is nobody's.
struct Refusal {
  bool has_token = false;  ///< else it has none, or a cookie that is good no more
  std::string_view description = "log in, or send a bearer token";  ///< for the caller
  std::string_view reason = "no valid credential";                  ///< for the operator
};

/// Knows who may come in: bearer tokens, JWTs among them, and the cookies of users who logged in, which it
/// signs itself (HMAC-SHA256). Constant after construction: any thread. Secrets are compared in constant
/// time.
class Credentials {
 public:
  using WallClock = std::chrono::system_clock;

  /// The tokens have been checked. `cookie_key` empty: one that is made now.
  Credentials(std::vector<TokenConfig> const& tokens, std::string cookie_key);

  using Verdict = boost::system::result<Identity, Refusal>;

  /// The token that was good for the last request of a conversation: it is not hashed again for the next one.
  struct LastToken {
    std::string authorization;  ///< the field's value; empty: none was
    Identity identity;
    std::uint64_t jwt_generation = 0;  ///< of the keys that a JWT was verified with
  };

  /// The identity of a request's bearer token or `login` cookie. An invalid token is not made good by a
  /// cookie. `jwts` are those of the caller's shard.
  [[nodiscard]] Verdict verify(wire::HttpFields const& fields, WallClock::time_point now, JwtVerifier& jwts,
                               LastToken& last) const;
  /// The value of the cookie `login`, good for half a day.
  [[nodiscard]] std::string make_login(std::string_view user, WallClock::time_point now) const;
  /// A random value for the cookie `_xsrf`.
  [[nodiscard]] static std::string make_xsrf();

  static constexpr std::chrono::hours login_lasts{12};

 private:
  [[nodiscard]] Verdict verify_token(std::string_view authorization, WallClock::time_point now,
                                     JwtVerifier& jwts) const;
  [[nodiscard]] std::optional<Identity> verify_login(std::string_view cookie,
                                                     WallClock::time_point now) const;
  [[nodiscard]] std::string sign(std::string_view text) const;

  struct Token {
    std::string hash;
    std::string user;
    Scopes scopes;
  };

  std::vector<Token> tokens_;
  std::string const key_;
};

/// The value of a cookie of that name; empty when there is none.
[[nodiscard]] std::string_view cookie(wire::HttpFields const& fields, std::string_view name);

}  // namespace reachback::gateway
