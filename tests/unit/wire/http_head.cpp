#include "wire/http_head.hpp"

#include <doctest/doctest.h>

using namespace reachback::wire;

TEST_CASE("field names compare without regard to case and the first field counts") {
  HttpFields fields;
  fields.add("Content-Type", "a/b");
  fields.add("content-type", "c/d");
  fields.add("X", "");
  CHECK(fields.get("CONTENT-TYPE") == "a/b");
  CHECK(fields.all("content-Type") == std::vector<std::string_view>{"a/b", "c/d"});
  CHECK(fields.has("x"));
  CHECK(fields.get("x").empty());
  CHECK(!fields.has("y"));
  CHECK(fields.get("y").empty());
  CHECK(fields.all("y").empty());
}

TEST_CASE("a list is searched on all of its lines, token by token") {
  HttpFields fields;
  fields.add("Connection", "keep-alive ,\tUpgrade");
  fields.add("Connection", ",,x");
  CHECK(fields.lists("connection", "upgrade"));
  CHECK(fields.lists("connection", "KEEP-ALIVE"));
  CHECK(fields.lists("connection", "x"));
  CHECK(!fields.lists("connection", "keep"));
  CHECK(!fields.lists("connection", "close"));
  CHECK(!fields.lists("upgrade", "websocket"));
}

TEST_CASE("comparing without case is for ASCII letters only") {
  CHECK(equal_ignoring_case("aZ-9", "Az-9"));
  CHECK(!equal_ignoring_case("a", "ab"));
  CHECK(!equal_ignoring_case("[", "{"));
  CHECK(!equal_ignoring_case("\xc3\xa4", "\xc3\x84"));
}

TEST_CASE("a connection stays or ends by version and Connection") {
  auto const keeps = [](int version, std::string_view connection) {
    HttpFields fields;
    if (!connection.empty()) fields.add("Connection", connection);
    return keeps_alive(version, fields);
  };
  CHECK(keeps(11, ""));
  CHECK(keeps(11, "keep-alive"));
  CHECK(!keeps(11, "Close"));
  CHECK(!keeps(11, "keep-alive, close"));
  CHECK(!keeps(10, ""));
  CHECK(keeps(10, "Keep-Alive"));
  CHECK(!keeps(10, "keep-alive, close"));
}
