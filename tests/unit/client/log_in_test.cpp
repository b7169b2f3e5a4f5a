#include "client/log_in.hpp"

#include <doctest/doctest.h>

using namespace reachback;
using namespace reachback::client;

namespace {

wire::HttpResponseHead switching_protocols() {
  wire::HttpResponseHead head;
  head.status = 101;
  head.fields.add("connection", "keep-alive, Upgrade");
  head.fields.add("Upgrade", "WebSocket");
  head.fields.add("Sec-WebSocket-Accept", "right");
  return head;
}

}  // namespace

TEST_CASE("a cookie is found by its whole name, with or without attributes") {
  wire::HttpFields fields;
  fields.add("Set-Cookie", "x_login=no; Path=/");
  fields.add("set-cookie", "login=\"2|1:0|=abc\"; HttpOnly; Path=/");
  fields.add("Set-Cookie", "_xsrf=token");
  fields.add("Set-Cookie", "flag");
  CHECK(cookie_of(fields, "login") == "\"2|1:0|=abc\"");
  CHECK(cookie_of(fields, "_xsrf") == "token");
  CHECK(cookie_of(fields, "flag").empty());
  CHECK(cookie_of(fields, "other").empty());
}

TEST_CASE("a form's values are encoded byte by byte") {
  CHECK(form_encode("aZ09-_.~") == "aZ09-_.~");
  CHECK(form_encode("a b&c=d+%\r\n") == "a%20b%26c%3Dd%2B%25%0D%0A");
  CHECK(form_encode("\xc3\xa4") == "%C3%A4");
}

TEST_CASE("the log-in carries the xsrf token as cookie and, without its quotes, in the form") {
  auto const request = log_in_request({"lab", 8080}, "me", "a&b", "\"t|1\"");
  CHECK(request.find("POST /login HTTP/1.1\r\nHost: lab:8080\r\n") == 0);
  CHECK(request.find("\r\nCookie: _xsrf=\"t|1\"\r\n") != std::string::npos);
  CHECK(request.find("\r\nContent-Length: 34\r\n\r\nname=me&password=a%26b&_xsrf=t%7C1") !=
        std::string::npos);
}

TEST_CASE("an IPv6 address stands in brackets") {
  CHECK(Address{"::1", 8888}.authority() == "[::1]:8888");
  CHECK(Address{"::1", 80}.authority() == "[::1]");
}

TEST_CASE("a port that is the scheme's own goes without saying, as proxies compare it") {
  CHECK(Address{"lab", 80}.authority() == "lab");
  CHECK(Address{"lab", 443}.authority() == "lab:443");
  CHECK(Address{"lab", 443, true}.authority() == "lab");
  CHECK(Address{"lab", 80, true}.authority() == "lab:80");
  CHECK(Address{"lab", 8443, true}.origin() == "https://lab:8443");
  CHECK(Address{"lab", 80}.origin() == "http://lab");
}

TEST_CASE("the upgrade names the gateway's own origin") {
  auto const request = upgrade_request({"::1", 8888}, "wsData", "Cookie: login=x", "KEY");
  CHECK(request.find("GET /wsData HTTP/1.1\r\nHost: [::1]:8888\r\n") == 0);
  CHECK(request.find("\r\nOrigin: http://[::1]:8888\r\n") != std::string::npos);
  CHECK(request.find("\r\nCookie: login=x\r\n") != std::string::npos);
  CHECK(request.find("\r\nSec-WebSocket-Key: KEY\r\n") != std::string::npos);
  CHECK(request.find("\r\nSec-WebSocket-Protocol: reachback.v1\r\n") != std::string::npos);
  auto const by_tls = upgrade_request({"lab", 443, true}, "wsData", "Cookie: login=x", "KEY");
  CHECK(by_tls.find("\r\nHost: lab\r\n") != std::string::npos);
  CHECK(by_tls.find("\r\nOrigin: https://lab\r\n") != std::string::npos);
}

TEST_CASE("a gateway may choose the subprotocol that was offered, or none") {
  auto head = switching_protocols();
  CHECK(pacing_of(head) == core::Pacing::none);
  head.fields.add("sec-websocket-protocol", "reachback.v1");
  CHECK(accepts_upgrade(head, "right"));
  CHECK(pacing_of(head) == core::Pacing::credits);
}

TEST_CASE("an answer to the upgrade is checked as RFC 6455 asks") {
  CHECK(accepts_upgrade(switching_protocols(), "right"));
  CHECK_FALSE(accepts_upgrade(switching_protocols(), "wrong"));
  auto head = switching_protocols();
  head.status = 200;
  CHECK_FALSE(accepts_upgrade(head, "right"));
  head = switching_protocols();
  head.fields.add("Sec-WebSocket-Extensions", "permessage-deflate");
  CHECK_FALSE(accepts_upgrade(head, "right"));
  head = switching_protocols();
  head.fields.add("Sec-WebSocket-Protocol", "chat");
  CHECK_FALSE(accepts_upgrade(head, "right"));
}
