#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/scopes.hpp"
#include "reachback/token.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

/// Who a request comes from, and what for.
struct Identity {
  std::string user;
  Scopes const* scopes = nullptr;  ///< lives as long as the credentials

  [[nodiscard]] bool may(Action action, std::string_view endpoint) const {
    return scopes->allow(action, endpoint);
  }
};

/// Knows who may come in: bearer tokens, and the cookies of users who logged in, which it signs itself
/// (HMAC-SHA256). Constant after construction: any thread. Secrets are compared in constant time.
class Credentials {
 public:
  using WallClock = std::chrono::system_clock;

  /// The tokens have been checked. `cookie_key` empty: one that is made now.
  Credentials(std::vector<TokenConfig> const& tokens, std::string cookie_key);

  /// The token that was good for the last request of a conversation: it is not hashed again for the next one.
  struct LastToken {
    std::string authorization;  ///< the field's value; empty: none was
    Identity identity;
  };

  /// The identity of a request's bearer token or `login` cookie; nothing without a valid one. An invalid
  /// token is not made good by a cookie.
  [[nodiscard]] std::optional<Identity> verify(wire::HttpFields const& fields, WallClock::time_point now,
                                               LastToken& last) const;
  [[nodiscard]] std::optional<Identity> verify(wire::HttpFields const& fields,
                                               WallClock::time_point now) const;
  /// The value of the cookie `login`, good for half a day.
  [[nodiscard]] std::string make_login(std::string_view user, WallClock::time_point now) const;
  /// A random value for the cookie `_xsrf`.
  [[nodiscard]] static std::string make_xsrf();

  static constexpr std::chrono::hours login_lasts{12};

 private:
  [[nodiscard]] std::optional<Identity> verify_token(std::string_view authorization) const;
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
