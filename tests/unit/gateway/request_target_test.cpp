#include "gateway/request_target.hpp"

#include <doctest/doctest.h>

using namespace reachback::gateway;

namespace {

using Segments = std::vector<std::string>;
using Form = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_SUITE("request target") {
  TEST_CASE("is taken apart into segments and parameters") {
    auto const target = read_target("/v1/endpoints/wsData/requests?timeout=2.5&connection=7");
    REQUIRE(target.has_value());
    CHECK(target->path == "/v1/endpoints/wsData/requests");
    CHECK(target->segments == Segments{"v1", "endpoints", "wsData", "requests"});
    CHECK(target->query == Form{{"timeout", "2.5"}, {"connection", "7"}});
    CHECK(target->parameter("timeout") == "2.5");
    CHECK_FALSE(target->parameter("missing").has_value());
  }

  TEST_CASE("the root has no segments") {
    auto const target = read_target("/");
    REQUIRE(target.has_value());
    CHECK(target->segments.empty());
    CHECK(target->path == "/");
  }

  TEST_CASE("segments are decoded one by one, so that an encoded slash is no separator") {
    auto const target = read_target("/a%2Fb/c%20d+e/%C3%A9");
    REQUIRE(target.has_value());
    CHECK(target->segments == Segments{"a/b", "c d+e", "\xc3\xa9"});
    CHECK(target->path == "/a%2Fb/c%20d+e/%C3%A9");
  }

  TEST_CASE("broken percent-encoding makes it no target, wherever it stands") {
    for (auto const* const text :
         {"/%", "/%4", "/%zz", "/a?b=%", "/a?%4g=1", "/%-1", "/% 1", "/%+1", "/%0x"}) {
      CAPTURE(text);
      CHECK_FALSE(read_target(text).has_value());
    }
  }

  TEST_CASE("the absolute form counts without its authority") {
    auto const target = read_target("http://gateway.example:8888/v1/endpoints?x=1");
    REQUIRE(target.has_value());
    CHECK(target->path == "/v1/endpoints");
    CHECK(target->parameter("x") == "1");
    auto const root = read_target("http://gateway.example");
    REQUIRE(root.has_value());
    CHECK(root->path == "/");
  }

  TEST_CASE("an absolute form without a path keeps its query to itself") {
    auto const target = read_target("http://gateway.example?next=/livez");
    REQUIRE(target.has_value());
    CHECK(target->path == "/");
    CHECK(target->parameter("next") == "/livez");
  }

  TEST_CASE("other forms are no targets") {
    for (auto const* const text : {"", "gateway.example:443", "livez", "**", "ftp://gateway.example/",
                                   "http:///livez", "http://user@gateway.example/"}) {
      CAPTURE(text);
      CHECK_FALSE(read_target(text).has_value());
    }
  }

  TEST_CASE("an asterisk is the gateway as a whole") {
    auto const target = read_target("*");
    REQUIRE(target.has_value());
    CHECK(target->path == "*");
    CHECK(target->segments.empty());
  }

  TEST_CASE("a fragment makes it no target, wherever it stands") {
    for (auto const* const text :
         {"/#", "/a#b", "/?a=1#b", "http://gateway.example/#", "http://gateway.example#"}) {
      CAPTURE(text);
      CHECK_FALSE(read_target(text).has_value());
    }
  }

  TEST_CASE("of two parameters of one name the last counts") {
    auto const target = read_target("/?a=1&a=2");
    REQUIRE(target.has_value());
    CHECK(target->parameter("a") == "2");
  }

  TEST_CASE("a form decodes plus signs, keeps empty values and drops what has no name") {
    auto const form = read_form("name=a+b%2B&empty=&flag&=nameless&&last=x=y");
    REQUIRE(form.has_value());
    CHECK(*form == Form{{"name", "a b+"}, {"empty", ""}, {"flag", ""}, {"last", "x=y"}});
    CHECK(read_form("")->empty());
    CHECK_FALSE(read_form("a=%q").has_value());
  }
}
