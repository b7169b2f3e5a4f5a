#include <doctest/doctest.h>

#include <set>

#include "unit/wire/frames.hpp"
#include "wire/http_parser.hpp"
#include "wire/websocket_codec.hpp"

using namespace reachback;
using wire::HttpRequestHead;
using wire::WebSocketCodec;
using wire_test::Recorder;
using wire_test::upgrade_request;

namespace {

struct Outcome {
  std::unique_ptr<WebSocketCodec> codec;
  std::string written;
  std::string fault;
};

Outcome accept(HttpRequestHead const& request, std::string_view subprotocol = {}) {
  static Recorder sink;
  static core::Buffer out;
  out.clear();
  Outcome outcome;
  outcome.codec = WebSocketCodec::accept(request, 1000, sink, out, outcome.fault, subprotocol);
  outcome.written = out.view();
  return outcome;
}

HttpRequestHead without(std::string_view name) {
  auto head = upgrade_request();
  auto const fields = std::exchange(head.fields, {});
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto const field = fields[i];
    if (field.name != name) head.fields.add(field.name, field.value);
  }
  return head;
}

HttpRequestHead with(std::string_view name, std::string_view value) {
  auto head = without(name);
  head.fields.add(name, value);
  return head;
}

void check_refused(HttpRequestHead const& request, std::string_view word) {
  auto const outcome = accept(request);
  CHECK(outcome.codec == nullptr);
  CHECK(outcome.written.empty());
  CHECK_MESSAGE(outcome.fault.find(word) != std::string::npos, outcome.fault);
}

}  // namespace

TEST_CASE("a valid upgrade is answered with 101 and the accept key of the RFC's example") {
  auto const outcome = accept(upgrade_request());
  REQUIRE(outcome.codec != nullptr);
  wire::HttpResponseParser parser({});
  CHECK(parser.feed(outcome.written) == outcome.written.size());
  CHECK(parser.progress() == wire::HttpProgress::done);
  CHECK(parser.head().status == 101);
  CHECK(parser.head().fields.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(parser.head().fields.get("Server") == "reachback");
  CHECK(parser.head().fields.lists("Connection", "upgrade"));
  CHECK(parser.head().fields.lists("Upgrade", "websocket"));
}

TEST_CASE("no extension and, by itself, no subprotocol is agreed to, whatever is offered") {
  auto head = with("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
  head.fields.add("Sec-WebSocket-Protocol", "reachback.v1, chat");
  auto const outcome = accept(head);
  REQUIRE(outcome.codec != nullptr);
  CHECK(outcome.written.find("Extensions") == std::string::npos);
  CHECK(outcome.written.find("Protocol:") == std::string::npos);
}

TEST_CASE("the answer names the subprotocol that was chosen") {
  auto head = upgrade_request();
  head.fields.add("Sec-WebSocket-Protocol", "chat, reachback.v1");
  auto const outcome = accept(head, "reachback.v1");
  REQUIRE(outcome.codec != nullptr);
  CHECK(outcome.written.find("\r\nSec-WebSocket-Protocol: reachback.v1\r\n") != std::string::npos);
}

TEST_CASE("an Expect field changes nothing about the answer") {
  auto const outcome = accept(with("Expect", "100-continue"));
  REQUIRE(outcome.codec != nullptr);
  CHECK(outcome.written.starts_with("HTTP/1.1 101 "));
}

TEST_CASE("Connection may stand on several lines") {
  auto head = with("Connection", "keep-alive");
  head.fields.add("Connection", "Upgrade");
  CHECK(accept(head).codec != nullptr);
}

TEST_CASE("each fault of an upgrade is named and nothing is written") {
  check_refused(without("Sec-WebSocket-Key"), "Sec-WebSocket-Key field is missing");
  check_refused(with("Sec-WebSocket-Key", ""), "Sec-WebSocket-Key field is invalid");
  check_refused(with("Sec-WebSocket-Key", "c2hvcnQ="), "Sec-WebSocket-Key field is invalid");
  check_refused(with("Sec-WebSocket-Key", std::string(2000, 'A')), "Sec-WebSocket-Key field is invalid");
  check_refused(without("Sec-WebSocket-Version"), "Sec-WebSocket-Version field is missing");
  check_refused(with("Sec-WebSocket-Version", "8"), "Sec-WebSocket-Version field is invalid");
  check_refused(without("Upgrade"), "Upgrade field is missing");
  check_refused(with("Upgrade", "h2c"), "missing the websocket token");
  check_refused(without("Connection"), "Connection field is missing");
  check_refused(with("Connection", "keep-alive"), "missing the upgrade token");
  check_refused(without("Host"), "Host field is missing");
}

TEST_CASE("an upgrade by another method or in HTTP/1.0 is refused") {
  auto head = upgrade_request();
  head.method = "POST";
  check_refused(head, "method was not GET");
  head = upgrade_request();
  head.version = 10;
  check_refused(head, "not HTTP/1.1");
}

TEST_CASE("a client's key is new each time and its accept value is what a server answers") {
  std::set<std::string> keys;
  for (int i = 0; i < 50; ++i) {
    auto const handshake = wire::make_client_handshake();
    keys.insert(handshake.key);
    auto const outcome = accept(with("Sec-WebSocket-Key", handshake.key));
    REQUIRE(outcome.codec != nullptr);
    CHECK(outcome.written.find("Sec-WebSocket-Accept: " + handshake.accept + "\r\n") != std::string::npos);
  }
  CHECK(keys.size() == 50);
}
