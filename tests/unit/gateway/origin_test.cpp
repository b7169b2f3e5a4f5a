#include "gateway/origin.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace reachback;
using gateway::comes_from_elsewhere;
using gateway::cors_fields;

namespace {

wire::HttpFields fields_of(std::vector<std::pair<std::string, std::string>> const& list) {
  wire::HttpFields fields;
  for (auto const& [name, value] : list) fields.add(name, value);
  return fields;
}

std::vector<std::string> const lab{"https://lab.example"};

}  // namespace

TEST_SUITE("origin") {
  TEST_CASE("a client that names no origin is no page from elsewhere") {
    CHECK_FALSE(comes_from_elsewhere(fields_of({{"Host", "gateway:8888"}}), {}));
    CHECK_FALSE(
        comes_from_elsewhere(fields_of({{"Host", "gateway:8888"}, {"Sec-Fetch-Site", "same-origin"}}), {}));
  }

  TEST_CASE("our own authority is ours, whatever the scheme and the letter case") {
    for (std::string const origin : {"http://gateway:8888", "https://gateway:8888", "http://GateWay:8888"}) {
      CAPTURE(origin);
      CHECK_FALSE(comes_from_elsewhere(fields_of({{"Host", "gateway:8888"}, {"Origin", origin}}), {}));
    }
  }

  TEST_CASE("any other authority is elsewhere: another host, another port, none") {
    for (std::string const origin : {"http://gateway", "http://gateway:8889", "http://evil.example",
                                     "http://gateway:8888.evil.example", "null", "", "gateway:8888"}) {
      CAPTURE(origin);
      CHECK(comes_from_elsewhere(fields_of({{"Host", "gateway:8888"}, {"Origin", origin}}), {}));
    }
  }

  TEST_CASE("an origin without an authority is elsewhere, even for a request without a host") {
    CHECK(comes_from_elsewhere(fields_of({{"Origin", "null"}}), {}));
  }

  TEST_CASE("a browser that says cross-site is believed") {
    CHECK(comes_from_elsewhere(fields_of({{"Host", "gateway"}, {"Sec-Fetch-Site", "Cross-Site"}}), {}));
    CHECK(comes_from_elsewhere(
        fields_of({{"Host", "gateway"}, {"Origin", "http://gateway"}, {"Sec-Fetch-Site", "cross-site"}}),
        {}));
  }

  TEST_CASE("an allowed origin is as good as ours, and its scheme counts") {
    CHECK_FALSE(comes_from_elsewhere(
        fields_of({{"Host", "gateway"}, {"Origin", "https://lab.example"}, {"Sec-Fetch-Site", "cross-site"}}),
        lab));
    CHECK(comes_from_elsewhere(fields_of({{"Host", "gateway"}, {"Origin", "http://lab.example"}}), lab));
    CHECK(
        comes_from_elsewhere(fields_of({{"Host", "gateway"}, {"Origin", "https://lab.example.evil"}}), lab));
  }

  TEST_CASE("only an allowed origin gets fields that let its page read the answer") {
    auto const fields = cors_fields(fields_of({{"Origin", "https://lab.example"}}), lab);
    CHECK(fields.text().starts_with("Access-Control-Allow-Origin: https://lab.example\r\n"));
    CHECK(fields.text().ends_with("\r\nVary: Origin\r\n"));
    CHECK(cors_fields(fields_of({{"Origin", "https://evil.example"}}), lab).empty());
    CHECK(cors_fields(fields_of({}), lab).empty());
    CHECK(cors_fields(fields_of({{"Origin", ""}}), {""}).empty());
  }
}
