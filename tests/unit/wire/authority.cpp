#include "wire/authority.hpp"

#include <doctest/doctest.h>

using namespace reachback::wire;

TEST_CASE("an authority is a host and perhaps a port") {
  for (auto const* const text :
       {"", "a", "a.b-c_d~e", "A.EXAMPLE.", "a:80", "a:", ":80", "127.0.0.1:8888", "[::1]", "[::1]:8888",
        "[::1]:", "[v1.a:b]", "[fe80::1%25eth0]", "a%20b", "a!$&'()*+,;=b"}) {
    CAPTURE(text);
    CHECK(is_authority(text));
  }
  for (auto const* const text :
       {" ",   "a b",  "a/b",    "a@b",   "a:x",      "a:80:80", "a:-1", "::1",  "[",
        "[]",  "[::1", "[::1]x", "[a]:x", "[a b]",    "a%",      "a%4",  "a%zz", "a\"b",
        "<a>", "a\\b", "a?b",    "a#b",   "\xc3\xa9", "a]",      "a[b]"}) {
    CAPTURE(text);
    CHECK_FALSE(is_authority(text));
  }
}

TEST_CASE("an absolute form is taken apart") {
  struct Form {
    std::string_view target, authority, path_and_query;
  };
  for (auto const& [target, authority, path_and_query] :
       {Form{"http://a/b?c", "a", "/b?c"}, Form{"HTTPS://a:1?b=/c", "a:1", "?b=/c"},
        Form{"http://a", "a", ""}, Form{"http://[::1]:80/", "[::1]:80", "/"},
        Form{"http://a#b", "a", "#b"}}) {
    CAPTURE(target);
    auto const form = read_absolute_form(target);
    REQUIRE(form.has_value());
    CHECK(form->authority == authority);
    CHECK(form->path_and_query == path_and_query);
  }
}

TEST_CASE("other forms, other schemes, and hosts that are none make no absolute form") {
  for (auto const* const text :
       {"", "/a", "/a://b", "*", "a:443", "ftp://a/", "://a", "http:/a", "http:a", "http://", "http:///a",
        "http://:80/", "http://b@a/", "http://a b/", "http://a:x/"}) {
    CAPTURE(text);
    CHECK_FALSE(read_absolute_form(text).has_value());
  }
}
