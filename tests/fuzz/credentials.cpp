// Cookies and tokens: what the gateway has not signed lets nobody in. The script spoils a good cookie, or
// brings fields of its own, one to a line.
#include "gateway/credentials.hpp"

#include <memory>
#include <string>

#include "input.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using gateway::Credentials;
using namespace std::chrono_literals;

constexpr Credentials::WallClock::time_point now(std::chrono::seconds(1'700'000'000));

Credentials const& credentials() {
  static Credentials const known({known_token("robot", "a good token", {"call:wsData"})},
                                 "a key of more than 32 bytes, for cookies");
  return known;
}

/// On a connection that has shown no token before, to a gateway that takes no JWTs.
Credentials::Verdict verify(wire::HttpFields const& fields, Credentials::WallClock::time_point when) {
  static gateway::JwtVerifier no_jwts({}, std::make_shared<gateway::JwtKeys const>());
  Credentials::LastToken none;
  return credentials().verify(fields, when, no_jwts, none);
}

Credentials::Verdict verify(std::string_view name, std::string_view value,
                            Credentials::WallClock::time_point when = now) {
  wire::HttpFields fields;
  fields.add(name, value);
  return verify(fields, when);
}

/// Of any user, and good for half a day.
void check_sound(std::string_view user) {
  auto const cookie = "login=" + credentials().make_login(user, now);
  auto const who = verify("Cookie", cookie);
  expect(who && who->user == user, "a cookie names the user that logged in");
  expect(verify("Cookie", "a=b; " + cookie + "; c=d").has_value(), "it may stand among others");
  expect(verify("Cookie", cookie, now + 12h - 1s).has_value() && !verify("Cookie", cookie, now + 12h),
         "it lasts half a day");
}

void check_spoilt(std::string_view user, Input& script) {
  auto const sound = credentials().make_login(user, now - 13h);  // expired: its own words are not enough
  auto const fresh = credentials().make_login(user, now);
  auto cookie = script.flag() ? sound : fresh;
  for (int i = 0; i < 8 && !script.empty(); ++i) {
    std::size_t const at = script.number(0, 200) % (cookie.size() + 1);
    switch (script.number(0, 2)) {
      case 0:
        cookie.insert(at, script.text(script.number(0, 8)));
        break;
      case 1:
        cookie.erase(at, script.number(1, 20));
        break;
      default:
        if (at < cookie.size()) cookie[at] = static_cast<char>(script.number(0, 255));
    }
  }
  auto const who = verify("Cookie", "login=" + cookie);
  if (!who) return;
  expect(cookie.find(fresh) != cookie.npos && who->user == user, "a spoilt cookie lets nobody in");
}

void check_foreign(Input& script) {
  wire::HttpFields fields;
  bool has_token = false;
  while (!script.empty()) {
    Input line(script.line());
    auto const name = line.until(':');
    auto const value = line.rest();
    if (name.empty()) continue;
    fields.add(name, value);
    has_token = has_token || value.find("a good token") != value.npos;
  }
  auto const who = verify(fields, now);
  expect(!who || (has_token && who->user == "robot"), "who has neither token nor cookie stays out");
  expect(!who || !who->may(gateway::Action::admin, "wsData"), "a token is good for its scopes alone");
  (void)gateway::cookie(fields, "_xsrf");
}

void run(std::string_view input) {
  Input script(input);
  if (script.flag()) return check_foreign(script);
  auto const user = script.text(script.number(0, 20));
  check_sound(user);
  check_spoilt(user, script);
}

Registration const registration("credentials", run);

}  // namespace
}  // namespace reachback::fuzz
