#include <doctest/doctest.h>

#include "unit/wire/http_reading.hpp"

using namespace reachback::wire_test;

TEST_CASE("a line that is folded is refused") {
  for (std::string_view const fields : {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n b\r\n", "X: a\r\n \r\n",
                                        "Content-Length:\r\n 3\r\n", "Transfer-Encoding:\r\n chunked\r\n"}) {
    check_fault(post(fields, "abc"), HttpFault::bad_syntax);
  }
}

TEST_CASE("a line that ends with LF alone is refused, and does not wait for more") {
  for (std::string_view const bytes :
       {"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\n\n",
        "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"}) {
    check_fault(bytes, HttpFault::bad_syntax);
  }
}

TEST_CASE("one empty line may come before a request, whether its head is a new one or not") {
  HttpRequestParser parser({});
  std::string const bytes = "\r\nGET / HTTP/1.1\r\n\r\n";
  for (std::size_t const piece : {1, 2, 3, 100}) {
    for (int i = 0; i < 2; ++i) {
      CHECK(read(parser, bytes, piece).progress == HttpProgress::done);
      parser.reset();
    }
  }
  check_fault("\r\n" + bytes, HttpFault::bad_syntax);
  check_fault("\rGET / HTTP/1.1\r\n\r\n", HttpFault::bad_syntax);
  check_fault("\n" + bytes.substr(2), HttpFault::bad_syntax);
}

TEST_CASE("an asterisk is a target for OPTIONS alone") {
  CHECK(read("OPTIONS * HTTP/1.1\r\n\r\n").progress == HttpProgress::done);
  check_fault("GET * HTTP/1.1\r\n\r\n", HttpFault::bad_syntax);
}

TEST_CASE("CONNECT ends the connection, whatever is answered") {
  HttpRequestParser parser({});
  CHECK(read(parser, "CONNECT x:443 HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", 100).progress ==
        HttpProgress::done);
  CHECK(!parser.head().keep_alive);
}

TEST_CASE("a request names one proper host, and HTTP/1.0 may name none") {
  auto const names_host = [](std::string_view version, std::string_view fields) {
    HttpRequestParser parser({});
    (void)read(parser, "GET / HTTP/" + std::string(version) + "\r\n" + std::string(fields) + "\r\n", 1000);
    REQUIRE(parser.progress() == HttpProgress::done);
    return parser.head().names_host;
  };
  CHECK(names_host("1.1", "Host: a:1\r\n"));
  CHECK(names_host("1.1", "Host:\r\n"));
  CHECK(!names_host("1.1", ""));
  CHECK(!names_host("1.1", "Host: a\r\nHost: a\r\n"));
  CHECK(!names_host("1.1", "Host: a b\r\n"));
  CHECK(names_host("1.0", ""));
  CHECK(!names_host("1.0", "Host: a\r\nhost: b\r\n"));
  CHECK(!names_host("1.0", "Host: a/b\r\n"));
}

TEST_CASE("the host of an absolute form takes the place of the field") {
  HttpRequestParser parser({});
  CHECK(read(parser, "GET http://one:1/a HTTP/1.1\r\nA: b\r\nHost: other\r\n\r\n", 1000).progress ==
        HttpProgress::done);
  CHECK(parser.head().fields.get("Host") == "one:1");
  CHECK(parser.head().names_host);
  parser.reset();
  (void)read(parser, "GET http://one/ HTTP/1.1\r\nHost: a b\r\n\r\n", 1000);
  CHECK(!parser.head().names_host);
}

TEST_CASE("an expectation is 100-continue, another one, or none") {
  struct Expected {
    std::string_view version, fields;
    bool go_on, other;
  };
  for (auto const& [version, fields, go_on, other] :
       {Expected{"1.1", "", false, false}, Expected{"1.1", "Expect:\r\n", false, false},
        Expected{"1.1", "Expect: 100-Continue\r\n", true, false},
        Expected{"1.1", "Expect: tea\r\n", false, true},
        Expected{"1.1", "Expect: 100-continue\r\nExpect: tea\r\n", true, true},
        Expected{"1.1", "Expect: 100-continue, tea\r\n", false, true},
        Expected{"1.0", "Expect: 100-continue\r\nExpect: tea\r\n", false, false}}) {
    CAPTURE(fields);
    HttpRequestParser parser({});
    (void)read(parser, "GET / HTTP/" + std::string(version) + "\r\n" + std::string(fields) + "\r\n", 1000);
    REQUIRE(parser.progress() == HttpProgress::done);
    CHECK(parser.head().expects_continue == go_on);
    CHECK(parser.head().expects_other == other);
  }
}
