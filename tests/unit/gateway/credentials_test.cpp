#include "gateway/credentials.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "gateway/secrets.hpp"
#include "jwt_making.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using gateway::Action;
using gateway::cookie;
using gateway::Credentials;

namespace {

Credentials::WallClock::time_point const noon{1'800'000'000s};

wire::HttpFields with(std::string_view name, std::string_view value) {
  wire::HttpFields fields;
  fields.add(name, value);
  return fields;
}

wire::HttpFields with_login(std::string const& value) { return with("Cookie", "login=" + value); }

std::string const key(32, 'k');

/// No tokens, and a key of their own.
Credentials without_tokens() { return {{}, {}}; }

/// One of full scope, by the name that its holder goes by.
Credentials with_tokens(std::vector<std::string> const& tokens) {
  std::vector<TokenConfig> known;
  for (auto const& token : tokens) known.push_back(known_token("holder of " + token, token));
  return {known, {}};
}

/// On a conversation of which nothing is known, unless it is there.
Credentials::Verdict verify(Credentials const& credentials, wire::HttpFields const& fields,
                            Credentials::WallClock::time_point now) {
  gateway::JwtVerifier no_jwts({}, std::make_shared<gateway::JwtKeys const>());
  Credentials::LastToken none;
  return credentials.verify(fields, now, no_jwts, none);
}

Credentials::Verdict verify(Credentials const& credentials, wire::HttpFields const& fields,
                            Credentials::WallClock::time_point now, Credentials::LastToken& last) {
  gateway::JwtVerifier no_jwts({}, std::make_shared<gateway::JwtKeys const>());
  return credentials.verify(fields, now, no_jwts, last);
}

}  // namespace

TEST_SUITE("credentials: the login cookie") {
  TEST_CASE("tells who logged in, for half a day") {
    Credentials const credentials = without_tokens();
    auto const fields = with_login(credentials.make_login("test", noon));
    auto const who = verify(credentials, fields, noon);
    REQUIRE(who.has_value());
    CHECK(who->user == "test");
    CHECK(verify(credentials, fields, noon + 12h - 1s).has_value());
    CHECK_FALSE(verify(credentials, fields, noon + 12h).has_value());
    CHECK_FALSE(verify(credentials, fields, noon + 24h * 365).has_value());
  }

  TEST_CASE("carries any name without being read otherwise") {
    Credentials const credentials = without_tokens();
    for (std::string const name : {"a|b", "x; login=y", "\"", "\xc3\xa9", "", "2b|99999999999|"}) {
      CAPTURE(name);
      auto const who = verify(credentials, with_login(credentials.make_login(name, noon)), noon);
      REQUIRE(who.has_value());
      CHECK(who->user == name);
    }
  }

  TEST_CASE("that was changed in any place is none") {
    Credentials const credentials = without_tokens();
    std::string const good = credentials.make_login("test", noon);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string forged = good;
      forged[i] = forged[i] == '0' ? '1' : '0';
      CAPTURE(forged);
      CHECK_FALSE(verify(credentials, with_login(forged), noon).has_value());
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      CHECK_FALSE(verify(credentials, with_login(good.substr(0, size)), noon).has_value());
    CHECK_FALSE(verify(credentials, with_login(good + "0"), noon).has_value());
  }

  TEST_CASE("that is malformed or signed by another gateway is none") {
    Credentials const credentials = without_tokens();
    Credentials const other = without_tokens();
    CHECK_FALSE(verify(credentials, with_login(other.make_login("test", noon)), noon).has_value());
    for (std::string const value :
         {"", "|", "||", "test", "74657374|9999999999", "74657374|9999999999|", "|||||"}) {
      CAPTURE(value);
      CHECK_FALSE(verify(credentials, with_login(value), noon).has_value());
    }
    CHECK_FALSE(verify(credentials, {}, noon).has_value());
  }

  TEST_CASE("is good wherever the same key is, and nowhere else") {
    std::string other_key = key;
    other_key.back() = 'j';
    auto const fields = with_login(Credentials({}, key).make_login("test", noon));
    CHECK(verify(Credentials({}, key), fields, noon).has_value());
    CHECK_FALSE(verify(Credentials({}, other_key), fields, noon).has_value());
    CHECK_FALSE(verify(Credentials({}, key + 'k'), fields, noon).has_value());
    CHECK_FALSE(verify(Credentials({}, {}), fields, noon).has_value());
  }

  TEST_CASE("stands for all scopes") {
    Credentials const credentials = without_tokens();
    auto const who = verify(credentials, with_login(credentials.make_login("test", noon)), noon);
    REQUIRE(who.has_value());
    CHECK(who->may(Action::serve, "lab"));
    CHECK(who->may(Action::admin, ""));
  }
}

TEST_SUITE("credentials: bearer tokens") {
  TEST_CASE("one that was given is good, in any letter case of the scheme") {
    Credentials const credentials = with_tokens({"secret", "other"});
    for (std::string const value : {"Bearer secret", "bearer secret", "BEARER other", "Bearer   secret "}) {
      CAPTURE(value);
      auto const who = verify(credentials, with("Authorization", value), noon);
      REQUIRE(who.has_value());
      CHECK(who->user == (value.find("other") == std::string::npos ? "holder of secret" : "holder of other"));
    }
  }

  TEST_CASE("any other is not, nor another scheme") {
    Credentials const credentials = with_tokens({"secret"});
    for (std::string const value : {"Bearer secre", "Bearer secrets", "Bearer Secret", "Bearer ", "Bearer",
                                    "Basic secret", "secret", "Bearer test", "Bearersecret"}) {
      CAPTURE(value);
      CHECK_FALSE(verify(credentials, with("Authorization", value), noon).has_value());
    }
  }

  TEST_CASE("an invalid one is not made good by a cookie") {
    Credentials const credentials = with_tokens({"secret"});
    auto fields = with_login(credentials.make_login("test", noon));
    CHECK(verify(credentials, fields, noon).has_value());
    fields.add("Authorization", "Bearer wrong");
    CHECK_FALSE(verify(credentials, fields, noon).has_value());
  }

  TEST_CASE("each is good for its scopes, and an unknown one for nothing") {
    Credentials const credentials(
        {known_token("a", "first", {"call:lab"}), known_token("b", "second", {"admin"})}, {});
    auto const first = verify(credentials, with("Authorization", "Bearer first"), noon);
    REQUIRE(first.has_value());
    CHECK(first->user == "a");
    CHECK(first->may(Action::call, "lab"));
    CHECK_FALSE(first->may(Action::call, "other"));
    CHECK_FALSE(first->may(Action::admin, ""));
    auto const second = verify(credentials, with("Authorization", "Bearer second"), noon);
    REQUIRE(second.has_value());
    CHECK(second->may(Action::admin, ""));
    CHECK_FALSE(second->may(Action::call, "lab"));
  }

  TEST_CASE("the hash of one is not the token") {
    Credentials const credentials = with_tokens({"secret"});
    auto const hash = hash_of_token("secret");
    CHECK_FALSE(verify(credentials, with("Authorization", "Bearer " + hash), noon).has_value());
  }

  TEST_CASE("a hash may be written in upper case") {
    std::string hash = hash_of_token("secret");
    for (char& c : hash) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    Credentials const credentials({{"a", hash, {"*"}}}, {});
    CHECK(verify(credentials, with("Authorization", "Bearer secret"), noon).has_value());
  }

  TEST_CASE("a new one is not like any before, and fits into a header") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
      auto const token = new_token();
      CHECK(token.size() == 3 + 64);
      CHECK(token.find_first_not_of("rb_0123456789abcdef") == std::string::npos);
      seen.insert(token);
    }
    CHECK(seen.size() == 100);
    CHECK(hash_of_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}

TEST_SUITE("credentials: cookies") {
  TEST_CASE("are found by their whole name, among others and over several lines") {
    wire::HttpFields fields;
    fields.add("Cookie", "a=1; login=value;xlogin=no");
    fields.add("cookie", "  b = 2 ; _xsrf=\"quoted\"; c=x=y; empty=");
    CHECK(cookie(fields, "login") == "value");
    CHECK(cookie(fields, "a") == "1");
    CHECK(cookie(fields, "_xsrf") == "quoted");
    CHECK(cookie(fields, "c") == "x=y");
    CHECK(cookie(fields, "empty").empty());
    CHECK(cookie(fields, "Login").empty());
    CHECK(cookie(fields, "log").empty());
    CHECK(cookie({}, "login").empty());
  }

  TEST_CASE("broken ones give nothing") {
    for (std::string const line : {"", ";", ";;;", "=", "login", "=login", " ; = ; "}) {
      CAPTURE(line);
      CHECK(cookie(with("Cookie", line), "login").empty());
    }
    CHECK(cookie(with("Cookie", "login=\""), "login") == "\"");
  }

  TEST_CASE("each value against forgery is new, and 32 hex digits") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
      auto const value = Credentials::make_xsrf();
      CHECK(value.size() == 32);
      CHECK(value.find_first_not_of("0123456789abcdef") == std::string::npos);
      seen.insert(value);
    }
    CHECK(seen.size() == 100);
  }

  TEST_CASE("a token that was good stays good in its conversation, and vouches for no other") {
    Credentials const credentials = with_tokens({"test", "other"});
    Credentials::LastToken last;
    CHECK_FALSE(verify(credentials, with("Authorization", "Bearer wrong"), noon, last).has_value());
    CHECK(last.authorization.empty());
    CHECK(verify(credentials, with("Authorization", "Bearer test"), noon, last).has_value());
    CHECK(verify(credentials, with("Authorization", "Bearer test"), noon, last).has_value());
    CHECK_FALSE(verify(credentials, with("Authorization", "Bearer wrong"), noon, last).has_value());
    CHECK_FALSE(verify(credentials, with("Authorization", "Bearer tes"), noon, last).has_value());
    CHECK_FALSE(verify(credentials, {}, noon, last).has_value());
    CHECK(verify(credentials, with("Authorization", "Bearer other"), noon, last).has_value());
  }

  TEST_CASE("texts compare by all their bytes") {
    using gateway::equal_in_constant_time;
    CHECK(equal_in_constant_time("", ""));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK_FALSE(equal_in_constant_time("abc", "abd"));
    CHECK_FALSE(equal_in_constant_time("abc", "ab"));
  }
}

TEST_SUITE("credentials: JSON Web Tokens") {
  gateway::JwtVerifier with_secret(std::string_view secret = jwt_making::secret) {
    auto keys = gateway::JwtKeys::read(jwt_making::set_of(jwt_making::secret_key(secret)));
    return {{}, std::make_shared<gateway::JwtKeys const>(*std::move(keys))};
  }

  wire::HttpFields bearing(std::string const& token) { return with("Authorization", "Bearer " + token); }

  std::string const for_a_minute =
      jwt_making::sign(R"({"sub":"ann","exp":1800000060,"scope":"call:wsData openid"})");

  TEST_CASE("tell who it is, what for, and until when") {
    auto const credentials = without_tokens();
    auto jwts = with_secret();
    Credentials::LastToken last;
    auto const who = credentials.verify(bearing(for_a_minute), noon, jwts, last);
    REQUIRE(who.has_value());
    CHECK(who->user == "ann");
    CHECK(who->expires == noon + 60s);
    CHECK(who->may(Action::call, "wsData"));
    CHECK_FALSE(who->may(Action::serve, "wsData"));
    CHECK_FALSE(who->may(Action::admin, ""));
  }

  TEST_CASE("end in the middle of a conversation") {
    auto const credentials = without_tokens();
    auto jwts = with_secret();
    Credentials::LastToken last;
    for (auto const time : {noon, noon + 1s, noon + 59s})
      CHECK(credentials.verify(bearing(for_a_minute), time, jwts, last).has_value());
    auto const later = credentials.verify(bearing(for_a_minute), noon + 60s, jwts, last);
    REQUIRE(later.has_error());
    CHECK(later.error().has_token);
    CHECK(later.error().description == "the token has expired");
  }

  TEST_CASE("end when their key is taken away, in the middle of a conversation too") {
    auto const credentials = without_tokens();
    auto jwts = with_secret();
    Credentials::LastToken last;
    CHECK(credentials.verify(bearing(for_a_minute), noon, jwts, last).has_value());
    jwts.replace(std::make_shared<gateway::JwtKeys const>(
        *gateway::JwtKeys::read(jwt_making::set_of(jwt_making::secret_key(std::string(32, 'o'))))));
    CHECK_FALSE(credentials.verify(bearing(for_a_minute), noon, jwts, last).has_value());
  }

  TEST_CASE("outlast the verifier's memory: a request holds what it was given") {
    auto const credentials = without_tokens();
    auto jwts = with_secret();
    Credentials::LastToken last;
    auto const who = credentials.verify(bearing(for_a_minute), noon, jwts, last);
    last = {};
    jwts.replace(std::make_shared<gateway::JwtKeys const>());
    CHECK(who->may(Action::call, "wsData"));
  }

  TEST_CASE("that nobody has signed are not valid, and no more is told") {
    auto const credentials = without_tokens();
    auto jwts = with_secret(std::string(32, 'o'));
    for (std::string const& token : {for_a_minute, std::string("a.b.c"), std::string("opaque")}) {
      CAPTURE(token);
      Credentials::LastToken last;
      auto const verdict = credentials.verify(bearing(token), noon, jwts, last);
      REQUIRE(verdict.has_error());
      CHECK(verdict.error().has_token);
      CHECK(verdict.error().description == "the token is not valid");
    }
  }

  TEST_CASE("are none of a gateway without keys, nor of one that knows the text as a token of its own") {
    Credentials::LastToken last;
    CHECK_FALSE(verify(without_tokens(), bearing(for_a_minute), noon).has_value());
    auto jwts = with_secret();
    auto const who = with_tokens({for_a_minute}).verify(bearing(for_a_minute), noon + 24h, jwts, last);
    REQUIRE(who.has_value());
    CHECK_FALSE(who->expires.has_value());
  }

  TEST_CASE("who shows no token is not told that it is bad") {
    auto const verdict = verify(without_tokens(), with("Authorization", "Basic dGVzdDp0ZXN0"), noon);
    REQUIRE(verdict.has_error());
    CHECK_FALSE(verdict.error().has_token);
  }
}
