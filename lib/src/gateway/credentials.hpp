#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http_head.hpp"

namespace reachback::gateway {

/// Who a request comes from.
struct Identity {
  std::string user;
};

/// Knows who may come in: the test account, bearer tokens, and the cookies that it signs itself (HMAC-SHA256
/// with a key made at start). Constant after construction: any thread. Secrets are compared in constant time.
class Credentials {
 public:
  enum class TestAccount : bool { off, on };
  using WallClock = std::chrono::system_clock;

  Credentials(TestAccount test_account, std::vector<std::string> const& tokens);

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
  [[nodiscard]] bool check_password(std::string_view user, std::string_view password) const;
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

  bool const test_account_;
  std::vector<std::string> token_hashes_;  ///< SHA-256
  std::string key_;
};

/// The value of a cookie of that name; empty when there is none.
[[nodiscard]] std::string_view cookie(wire::HttpFields const& fields, std::string_view name);
/// Compares without telling by its time where they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace reachback::gateway
