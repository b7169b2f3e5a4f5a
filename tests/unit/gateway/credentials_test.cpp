#include "gateway/credentials.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace reachback;
using namespace std::chrono_literals;
using gateway::cookie;
using gateway::Credentials;
using TestAccount = Credentials::TestAccount;

namespace {

Credentials::WallClock::time_point const noon{1'800'000'000s};

wire::HttpFields with(std::string_view name, std::string_view value) {
  wire::HttpFields fields;
  fields.add(name, value);
  return fields;
}

wire::HttpFields with_login(std::string const& value) { return with("Cookie", "login=" + value); }

}  // namespace

TEST_SUITE("credentials: the login cookie") {
  TEST_CASE("tells who logged in, for half a day") {
    Credentials const credentials(TestAccount::on, {});
    auto const fields = with_login(credentials.make_login("test", noon));
    auto const who = credentials.verify(fields, noon);
    REQUIRE(who.has_value());
    CHECK(who->user == "test");
    CHECK(credentials.verify(fields, noon + 12h - 1s).has_value());
    CHECK_FALSE(credentials.verify(fields, noon + 12h).has_value());
    CHECK_FALSE(credentials.verify(fields, noon + 24h * 365).has_value());
  }

  TEST_CASE("carries any name without being read otherwise") {
    Credentials const credentials(TestAccount::off, {});
    for (std::string const name : {"a|b", "x; login=y", "\"", "\xc3\xa9", "", "2b|99999999999|"}) {
      CAPTURE(name);
      auto const who = credentials.verify(with_login(credentials.make_login(name, noon)), noon);
      REQUIRE(who.has_value());
      CHECK(who->user == name);
    }
  }

  TEST_CASE("that was changed in any place is none") {
    Credentials const credentials(TestAccount::on, {});
    std::string const good = credentials.make_login("test", noon);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string forged = good;
      forged[i] = forged[i] == '0' ? '1' : '0';
      CAPTURE(forged);
      CHECK_FALSE(credentials.verify(with_login(forged), noon).has_value());
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      CHECK_FALSE(credentials.verify(with_login(good.substr(0, size)), noon).has_value());
    CHECK_FALSE(credentials.verify(with_login(good + "0"), noon).has_value());
  }

  TEST_CASE("that is malformed or signed by another gateway is none") {
    Credentials const credentials(TestAccount::on, {});
    Credentials const other(TestAccount::on, {});
    CHECK_FALSE(credentials.verify(with_login(other.make_login("test", noon)), noon).has_value());
    for (std::string const value :
         {"", "|", "||", "test", "74657374|9999999999", "74657374|9999999999|", "|||||"}) {
      CAPTURE(value);
      CHECK_FALSE(credentials.verify(with_login(value), noon).has_value());
    }
    CHECK_FALSE(credentials.verify({}, noon).has_value());
  }
}

TEST_SUITE("credentials: bearer tokens") {
  TEST_CASE("one that was given is good, in any letter case of the scheme") {
    Credentials const credentials(TestAccount::off, {"secret", "other"});
    for (std::string const value : {"Bearer secret", "bearer secret", "BEARER other", "Bearer   secret "}) {
      CAPTURE(value);
      auto const who = credentials.verify(with("Authorization", value), noon);
      REQUIRE(who.has_value());
      CHECK(who->user == "token");
    }
  }

  TEST_CASE("any other is not, nor another scheme") {
    Credentials const credentials(TestAccount::off, {"secret"});
    for (std::string const value : {"Bearer secre", "Bearer secrets", "Bearer Secret", "Bearer ", "Bearer",
                                    "Basic secret", "secret", "Bearer test", "Bearersecret"}) {
      CAPTURE(value);
      CHECK_FALSE(credentials.verify(with("Authorization", value), noon).has_value());
    }
  }

  TEST_CASE("an invalid one is not made good by a cookie") {
    Credentials const credentials(TestAccount::off, {"secret"});
    auto fields = with_login(credentials.make_login("test", noon));
    CHECK(credentials.verify(fields, noon).has_value());
    fields.add("Authorization", "Bearer wrong");
    CHECK_FALSE(credentials.verify(fields, noon).has_value());
  }

  TEST_CASE("the token test is good in test mode only") {
    auto const fields = with("Authorization", "Bearer test");
    CHECK(Credentials(TestAccount::on, {}).verify(fields, noon).has_value());
    CHECK_FALSE(Credentials(TestAccount::off, {}).verify(fields, noon).has_value());
  }
}

TEST_SUITE("credentials: the account") {
  TEST_CASE("test/test is right in test mode and wrong outside it") {
    Credentials const on(TestAccount::on, {});
    CHECK(on.check_password("test", "test"));
    CHECK_FALSE(on.check_password("test", "tesT"));
    CHECK_FALSE(on.check_password("test", ""));
    CHECK_FALSE(on.check_password("", "test"));
    CHECK_FALSE(on.check_password("test2", "test"));
    CHECK_FALSE(Credentials(TestAccount::off, {}).check_password("test", "test"));
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
    Credentials const credentials(TestAccount::on, {"other"});
    Credentials::LastToken last;
    CHECK_FALSE(credentials.verify(with("Authorization", "Bearer wrong"), noon, last).has_value());
    CHECK(last.authorization.empty());
    CHECK(credentials.verify(with("Authorization", "Bearer test"), noon, last).has_value());
    CHECK(credentials.verify(with("Authorization", "Bearer test"), noon, last).has_value());
    CHECK_FALSE(credentials.verify(with("Authorization", "Bearer wrong"), noon, last).has_value());
    CHECK_FALSE(credentials.verify(with("Authorization", "Bearer tes"), noon, last).has_value());
    CHECK_FALSE(credentials.verify({}, noon, last).has_value());
    CHECK(credentials.verify(with("Authorization", "Bearer other"), noon, last).has_value());
  }

  TEST_CASE("texts compare by all their bytes") {
    using gateway::equal_in_constant_time;
    CHECK(equal_in_constant_time("", ""));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK_FALSE(equal_in_constant_time("abc", "abd"));
    CHECK_FALSE(equal_in_constant_time("abc", "ab"));
  }
}
