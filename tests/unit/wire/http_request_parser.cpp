#include <doctest/doctest.h>

#include "unit/wire/http_reading.hpp"

using namespace reachback::wire_test;

TEST_CASE("a request with a body is read whatever its pieces are") {
  auto const bytes = post("Accept: a/b\r\nContent-Length: 7\r\n", "{\"a\":1}");
  for (std::size_t const piece : piece_sizes) {
    HttpRequestParser parser({});
    auto const result = read(parser, bytes, piece);
    CHECK(result.progress == HttpProgress::done);
    CHECK(result.fault == HttpFault::none);
    CHECK(result.body == "{\"a\":1}");
    CHECK(result.rest.empty());
    CHECK(parser.head().method == "POST");
    CHECK(parser.head().target == "/v1/endpoints/wsData/requests?timeout=5");
    CHECK(parser.head().version == 11);
    CHECK(parser.head().keep_alive);
    CHECK(parser.head().content_length == 7);
    CHECK(!parser.head().chunked);
    CHECK(!parser.head().websocket_upgrade);
    CHECK(!parser.head().expects_continue);
    REQUIRE(parser.head().fields.size() == 3);
    CHECK(parser.head().fields[1].name == "Accept");
    CHECK(parser.head().fields.get("accept") == "a/b");
  }
}

TEST_CASE("reading stops once behind the head") {
  auto const bytes = post("Content-Length: 3\r\nExpect: 100-Continue\r\n", "abcGET");
  HttpRequestParser parser({});
  auto const head = parser.feed(bytes);
  CHECK(head == bytes.size() - 6);
  CHECK(parser.progress() == HttpProgress::body);
  CHECK(parser.head().expects_continue);
  CHECK(parser.body().empty());
  CHECK(parser.feed(std::string_view(bytes).substr(head)) == 3);
  CHECK(parser.progress() == HttpProgress::done);
  CHECK(parser.body() == "abc");
  CHECK(parser.take_body().view() == "abc");
  CHECK(parser.body().empty());
}

TEST_CASE("requests that follow each other are read one at a time") {
  auto const bytes = post("Content-Length: 1\r\n", "a") + "GET /livez HTTP/1.1\r\n\r\n" +
                     post("Transfer-Encoding: chunked\r\n", "1\r\nb\r\n0\r\n\r\n") +
                     post("Content-Length: 0\r\n", "") + post("Content-Length: 1\r\n", "c");
  for (std::size_t const piece : piece_sizes) {
    HttpRequestParser parser({});
    std::string rest = bytes;
    std::string bodies;
    std::string methods;
    for (int i = 0; i < 5; ++i) {
      auto const result = read(parser, rest, piece);
      REQUIRE(result.progress == HttpProgress::done);
      bodies += result.body + "|";
      methods += parser.head().method + "|";
      rest = result.rest;
      parser.reset();
      CHECK(parser.progress() == HttpProgress::head);
    }
    CHECK(bodies == "a||b||c|");
    CHECK(methods == "POST|GET|POST|POST|POST|");
    CHECK(rest.empty());
  }
}

TEST_CASE("nothing is taken once a request is done") {
  HttpRequestParser parser({});
  std::string_view const bytes = "GET / HTTP/1.1\r\n\r\n";
  CHECK(parser.feed(bytes) == bytes.size());
  CHECK(parser.feed(bytes) == 0);
}

TEST_CASE("a chunked body comes without its chunks, extensions and trailer") {
  auto const bytes =
      post("Transfer-Encoding: Chunked\r\n",
           "3\r\nabc\r\n1;name=value\r\nd\r\nA\r\n0123456789\r\n0\r\nConnection: close\r\nX: y\r\n\r\nREST");
  for (std::size_t const piece : piece_sizes) {
    HttpRequestParser parser({});
    auto const result = read(parser, bytes, piece);
    CHECK(result.progress == HttpProgress::done);
    CHECK(result.body == "abcd0123456789");
    CHECK(result.rest == "REST");
    CHECK(parser.head().chunked);
    CHECK(!parser.head().content_length);
    CHECK(!parser.head().fields.has("X"));
    CHECK(parser.head().keep_alive);
  }
}

TEST_CASE("an empty chunked body is read byte by byte") {
  // Its last chunk's header comes before the five bytes that Beast wants to see behind it.
  for (std::size_t const piece : piece_sizes) {
    CHECK(read(post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), {}, piece).progress ==
          HttpProgress::done);
    CHECK(read(post("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n\r\n"), {}, piece).progress ==
          HttpProgress::done);
  }
}

TEST_CASE("a body may be taken while it comes, and the limit still counts it all") {
  HttpRequestParser parser({.body = 10});
  auto const head = post("Transfer-Encoding: chunked\r\n", "");
  CHECK(parser.feed(head) == head.size());
  CHECK(parser.feed("6\r\nabcdef\r\n") == 9);
  CHECK(parser.take_body().view() == "abcdef");
  CHECK(parser.feed("\r\n5\r\n") == 0);
  CHECK(parser.progress() == HttpProgress::failed);
  CHECK(parser.fault() == HttpFault::body_too_large);
}

TEST_CASE("a head of just the limit passes, one byte more does not, however slowly it comes") {
  std::string const bytes = "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n";
  for (std::size_t const piece : piece_sizes) {
    CHECK(read(bytes, {.head = bytes.size()}, piece).progress == HttpProgress::done);
    auto const result = read(bytes, {.head = bytes.size() - 1}, piece);
    CHECK(result.progress == HttpProgress::failed);
    CHECK(result.fault == HttpFault::head_too_large);
  }
}

TEST_CASE("a head without an end is too large, in lines and in one line") {
  std::string lines = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) lines += "Name: value\r\n";
  check_fault(lines, HttpFault::head_too_large);
  check_fault("GET / HTTP/1.1\r\nA: " + std::string(20000, 'x'), HttpFault::head_too_large);
}

TEST_CASE("a first line without an end is known as such") {
  check_fault("GET /" + std::string(20000, 'x'), HttpFault::request_line_too_long);
  check_fault("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n", HttpFault::request_line_too_long);
  check_fault(std::string(20000, 'A'), HttpFault::request_line_too_long);
}

TEST_CASE("a head that comes line by line is limited as a whole") {
  // Beast takes each such line for itself and starts its own limit anew.
  HttpRequestParser parser({.head = 1000});
  std::string waiting = "GET / HTTP/1.1\r\n";
  std::size_t lines = 0;
  while (parser.progress() == HttpProgress::head && lines < 1000) {
    waiting.erase(0, parser.feed(waiting));
    waiting += "Name: value\r\n";
    ++lines;
  }
  CHECK(parser.fault() == HttpFault::head_too_large);
  CHECK(lines <= 77);
}

TEST_CASE("a body over the limit is known from the head, which can be looked at") {
  for (std::size_t const piece : piece_sizes) {
    HttpRequestParser parser({.body = 10});
    auto const result = read(parser, post("Connection: close\r\nContent-Length: 11\r\n", ""), piece);
    CHECK(result.progress == HttpProgress::failed);
    CHECK(result.fault == HttpFault::body_too_large);
    CHECK(parser.head().method == "POST");
    CHECK(parser.head().target == "/v1/endpoints/wsData/requests?timeout=5");
    CHECK(parser.head().content_length == 11);
    CHECK(!parser.head().keep_alive);
  }
  CHECK(read(post("Content-Length: 10\r\n", "0123456789"), {.body = 10}).progress == HttpProgress::done);
}

TEST_CASE("a chunked body over the limit is known as it grows") {
  check_fault(post("Transfer-Encoding: chunked\r\n", "5\r\nabcde\r\n6\r\n"), HttpFault::body_too_large,
              {.body = 10});
  check_fault(post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFF\r\n"), HttpFault::body_too_large);
  auto const fits = post("Transfer-Encoding: chunked\r\n", "5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n");
  CHECK(read(fits, {.body = 10}).body == "abcdefghij");
}

TEST_CASE("an announced body costs nothing until it comes") {
  HttpRequestParser parser({});
  (void)parser.feed(post("Content-Length: 67108864\r\n", ""));
  CHECK(parser.progress() == HttpProgress::body);
  (void)parser.feed("x");
  CHECK(parser.take_body().capacity() <= 1024 * 1024);
}

TEST_CASE("a large body arrives") {
  std::string body(5'000'000, 'x');
  body[4'999'999] = 'y';
  CHECK((read(post("Content-Length: 5000000\r\n", body), {}, 65536).body == body));
}

TEST_CASE("chunk extensions and trailers without an end are refused") {
  check_fault(post("Transfer-Encoding: chunked\r\n", "1;" + std::string(40000, 'x')), HttpFault::bad_syntax);
  check_fault(post("Transfer-Encoding: chunked\r\n", "0\r\nA: " + std::string(40000, 'x')),
              HttpFault::bad_syntax);
}

TEST_CASE("the extensions and trailers of a body need no more room than a head") {
  HttpLimits const limits{.head = 300};
  auto const chunked = [](std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); };
  std::string chunks;
  for (int i = 0; i < 3; ++i) chunks += "1;" + std::string(98, 'x') + "\r\na\r\n";
  CHECK(read(chunked(chunks + "0\r\n\r\n"), limits).body == "aaa");
  check_fault(chunked(chunks + "1;name\r\na\r\n0\r\n\r\n"), HttpFault::bad_syntax, limits);
  check_fault(chunked(chunks + "0\r\nName: value\r\n\r\n"), HttpFault::bad_syntax, limits);
  check_fault(chunked("0\r\nA: " + std::string(350, 'x') + "\r\n\r\n"), HttpFault::bad_syntax, limits);
}

TEST_CASE("a body whose length could be read in two ways is refused") {
  for (std::string_view const fields :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3, 3\r\n", "Content-Length: -3\r\n",
        "Content-Length: +3\r\n", "Content-Length: 3x\r\n", "Content-Length: 0x3\r\n", "Content-Length:\r\n",
        "Content-Length: 99999999999999999999999\r\n", "Content-Length : 3\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "Transfer-Encoding: xchunked\r\n"}) {
    check_fault(post(fields, "abc"), HttpFault::bad_syntax);
  }
  check_fault("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HttpFault::bad_syntax);
}

TEST_CASE("garbage is refused") {
  for (std::string_view const bytes :
       {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 abcdefgh", 20),
        std::string_view("{\"a\":1}\r\n\r\n"), std::string_view("GET\r\n\r\n"),
        std::string_view("GET / HTTP/2.0\r\n\r\n"), std::string_view("GET / HTTP/1.2\r\n\r\n"),
        std::string_view("GET /a b HTTP/1.1\r\n\r\n"), std::string_view("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\n: no name\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nA: b\x01\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nConnection: \"\r\n\r\n"),
        std::string_view("G\0T / HTTP/1.1\r\n\r\n", 18)}) {
    check_fault(bytes, HttpFault::bad_syntax);
  }
}

TEST_CASE("broken chunks are refused") {
  for (std::string_view const body : {"x\r\n\r\n", "-1\r\n\r\n", "3\r\nabcX\r\n5\r\n",
                                      "3\r\nabc\r\n\r\n5\r\n", "10000000000000000\r\n", "1 2\r\n"}) {
    check_fault(post("Transfer-Encoding: chunked\r\n", body), HttpFault::bad_syntax);
  }
}

TEST_CASE("HTTP/1.0 ends the connection unless it asks to keep it") {
  HttpRequestParser parser({});
  CHECK(read(parser, "GET / HTTP/1.0\r\n\r\n", 100).progress == HttpProgress::done);
  CHECK(parser.head().version == 10);
  CHECK(!parser.head().keep_alive);
  parser.reset();
  CHECK(read(parser, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 100).progress == HttpProgress::done);
  CHECK(parser.head().keep_alive);
}

TEST_CASE("an upgrade ends with its head and what follows is left") {
  std::string const head =
      "GET /wsData HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n\r\n";
  for (std::size_t const piece : piece_sizes) {
    HttpRequestParser parser({});
    auto const result = read(parser, head + "\x81\x80", piece);
    CHECK(result.progress == HttpProgress::done);
    CHECK(result.rest == "\x81\x80");
    CHECK(parser.head().websocket_upgrade);
  }
}

TEST_CASE("an upgrade with a body is refused") {
  check_fault("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n",
              HttpFault::bad_syntax);
}

TEST_CASE("only a GET with both fields asks for a WebSocket") {
  for (std::string_view const bytes :
       {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"}) {
    HttpRequestParser parser({});
    CHECK(read(parser, bytes, 100).progress == HttpProgress::done);
    CHECK(!parser.head().websocket_upgrade);
  }
}

TEST_CASE("a parser may move while it reads") {
  HttpRequestParser first({});
  auto const bytes = post("Content-Length: 3\r\n", "abc");
  auto const taken = first.feed(bytes);
  HttpRequestParser second(std::move(first));
  CHECK(second.feed(std::string_view(bytes).substr(taken)) == 3);
  CHECK(second.progress() == HttpProgress::done);
}

TEST_CASE("a head that repeats the one before keeps its number, and its body is its own") {
  HttpRequestParser parser({});
  auto const one = post("Content-Length: 3\r\n", "abc"), two = post("Content-Length: 3\r\n", "xyz");
  for (std::size_t const piece : piece_sizes) {
    CAPTURE(piece);
    for (auto const& request : {one, two, one}) {
      auto const result = read(parser, request, piece);
      CHECK(result.progress == HttpProgress::done);
      CHECK(result.body == request.substr(request.size() - 3));
      CHECK(result.rest.empty());
      CHECK(parser.head().target == "/v1/endpoints/wsData/requests?timeout=5");
      parser.reset();
      CHECK(parser.progress() == HttpProgress::head);
    }
  }
  std::uint64_t const number = parser.head_number();
  for (auto const& request : {one, two}) {
    CHECK(read(parser, request, 1000).progress == HttpProgress::done);
    CHECK(parser.head_number() == number);
    parser.reset();
  }
}

TEST_CASE("a head that differs in one byte from the one before is read anew") {
  HttpRequestParser parser({});
  CHECK(read(parser, post("Content-Length: 3\r\nX: 1\r\n", "abc"), 1000).body == "abc");
  auto const number = parser.head_number();
  parser.reset();
  CHECK(read(parser, post("Content-Length: 3\r\nX: 2\r\n", "abc"), 1000).body == "abc");
  CHECK(parser.head_number() == number + 1);
  CHECK(parser.head().fields.get("X") == "2");
  parser.reset();
  CHECK(read(parser, "rubbish\r\n\r\n", 1000).fault == HttpFault::bad_syntax);
}

TEST_CASE("repeated requests that come together are read one at a time") {
  HttpRequestParser parser({});
  std::string rest = post("Content-Length: 1\r\n", "a") + post("Content-Length: 1\r\n", "b") +
                     post("Content-Length: 1\r\n", "c") + "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  std::string bodies;
  for (int i = 0; i < 4; ++i) {
    auto const result = read(parser, rest, 1000);
    REQUIRE(result.progress == HttpProgress::done);
    bodies += result.body + "|";
    rest = result.rest;
    parser.reset();
  }
  CHECK(bodies == "a|b|c||");
  CHECK(rest.empty());
}

TEST_CASE("a repeated head stops reading before the body, and a body that nobody took is gone") {
  HttpRequestParser parser({});
  auto const request = post("Content-Length: 3\r\n", "abc");
  auto const head_size = request.size() - 3;
  CHECK(parser.feed(request) == head_size);
  CHECK(parser.feed(std::string_view(request).substr(head_size)) == 3);
  parser.reset();
  CHECK(parser.feed(request) == head_size);
  CHECK(parser.progress() == HttpProgress::body);
  CHECK(parser.body().empty());
  CHECK(parser.feed("x") == 1);
  CHECK(parser.progress() == HttpProgress::body);
  CHECK(parser.feed("yzGET") == 2);
  CHECK(parser.progress() == HttpProgress::done);
  CHECK(parser.body() == "xyz");
}

TEST_CASE("chunked bodies behind equal heads are read each by its own chunks") {
  HttpRequestParser parser({});
  for (std::string const body : {"one", "other"}) {
    auto const chunks = std::to_string(body.size()) + "\r\n" + body + "\r\n0\r\n\r\n";
    CHECK(read(parser, post("Transfer-Encoding: chunked\r\n", chunks), 1000).body == body);
    parser.reset();
  }
}
