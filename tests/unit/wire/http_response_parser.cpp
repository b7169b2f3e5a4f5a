#include <doctest/doctest.h>

#include "wire/http_parser.hpp"

using namespace reachback;
using wire::HttpFault;
using wire::HttpLimits;
using wire::HttpProgress;
using wire::HttpResponseParser;

namespace {

/// Gives the parser its bytes in pieces, offering again what it left; returns what it left at the end.
std::string read(HttpResponseParser& parser, std::string_view bytes, std::size_t piece) {
  std::string waiting;
  auto const is_open = [&] {
    return parser.progress() == HttpProgress::head || parser.progress() == HttpProgress::body;
  };
  while (!bytes.empty() && is_open()) {
    waiting += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    std::size_t taken = 1;
    while (taken != 0 && is_open()) {
      taken = parser.feed(waiting);
      waiting.erase(0, taken);
    }
  }
  return waiting.append(bytes);
}

std::size_t const piece_sizes[] = {1, 2, 3, 7, 16, 61, 1000};

}  // namespace

TEST_CASE("a response with a length is read whatever its pieces are") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser parser({});
    CHECK(read(parser, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 3\r\n\r\nabcHTTP", piece) ==
          "HTTP");
    CHECK(parser.progress() == HttpProgress::done);
    CHECK(parser.head().status == 302);
    CHECK(parser.head().fields.get("location") == "/");
    CHECK(parser.head().keep_alive);
    CHECK(parser.body() == "abc");
  }
}

TEST_CASE("a chunked response is read") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser parser({});
    CHECK(read(parser, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
               piece)
              .empty());
    CHECK(parser.progress() == HttpProgress::done);
    CHECK(parser.body() == "abc");
  }
}

TEST_CASE("a response without a length ends with the stream") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser parser({});
    CHECK(read(parser, "HTTP/1.1 200 OK\r\n\r\nabc", piece).empty());
    CHECK(parser.progress() == HttpProgress::body);
    CHECK(!parser.head().keep_alive);
    parser.end_of_stream();
    CHECK(parser.progress() == HttpProgress::done);
    CHECK(parser.body() == "abc");
    parser.end_of_stream();
    CHECK(parser.fault() == HttpFault::none);
  }
}

TEST_CASE("a response without a length may be empty") {
  HttpResponseParser parser({});
  (void)read(parser, "HTTP/1.0 200 OK\r\n\r\n", 100);
  parser.end_of_stream();
  CHECK(parser.progress() == HttpProgress::done);
  CHECK(parser.body().empty());
}

TEST_CASE("a stream that ends too early is a response cut off") {
  for (std::string_view const bytes :
       {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}) {
    CAPTURE(bytes);
    HttpResponseParser parser({});
    (void)read(parser, bytes, 100);
    parser.end_of_stream();
    CHECK(parser.progress() == HttpProgress::failed);
    CHECK(parser.fault() == HttpFault::cut_off);
  }
}

TEST_CASE("interim responses are passed over") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser parser({});
    CHECK(read(parser,
               "HTTP/1.1 100 Continue\r\nX: old\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
               piece)
              .empty());
    CHECK(parser.progress() == HttpProgress::done);
    CHECK(parser.head().status == 200);
    CHECK(!parser.head().fields.has("X"));
    CHECK(parser.body() == "ok");
  }
}

TEST_CASE("101 ends with its head and the frames behind it are left") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser parser({});
    CHECK(read(parser, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi", piece) ==
          "\x81\x02hi");
    CHECK(parser.progress() == HttpProgress::done);
    CHECK(parser.head().status == 101);
  }
}

TEST_CASE("204 and 304 have no body") {
  for (std::string_view const status : {"204 No Content", "304 Not Modified"}) {
    HttpResponseParser parser({});
    CHECK(read(parser, "HTTP/1.1 " + std::string(status) + "\r\n\r\nnext", 100) == "next");
    CHECK(parser.progress() == HttpProgress::done);
  }
}

TEST_CASE("responses over their limits are refused") {
  for (std::size_t const piece : piece_sizes) {
    HttpResponseParser head({.head = 50});
    (void)read(head, "HTTP/1.1 200 OK\r\nA: " + std::string(100, 'x'), piece);
    CHECK(head.fault() == HttpFault::head_too_large);
    for (std::string_view const rest :
         {"Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nB\r\n01", "\r\n01234567890"}) {
      HttpResponseParser body({.body = 10});
      (void)read(body, "HTTP/1.1 200 OK\r\n" + std::string(rest), piece);
      CHECK(body.progress() == HttpProgress::failed);
      CHECK(body.fault() == HttpFault::body_too_large);
    }
  }
}

TEST_CASE("what is no response is refused") {
  for (std::string_view const bytes :
       {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/3 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"}) {
    for (std::size_t const piece : piece_sizes) {
      HttpResponseParser parser({});
      (void)read(parser, bytes, piece);
      CHECK(parser.progress() == HttpProgress::failed);
      CHECK(parser.fault() == HttpFault::bad_syntax);
    }
  }
}
