#include "server_url.hpp"

#include <doctest/doctest.h>

namespace reachback::service {

namespace {

/// `tls` and address in one text, or the complaint.
std::string summary(std::string_view text) {
  auto const url = read_server_url(text);
  if (!url) return url.error().text();
  return (url->tls ? "tls " : "plain ") + url->host + ' ' + std::to_string(url->port);
}

}  // namespace

TEST_CASE("a server is a host and a port, or a URL whose scheme says whether by TLS") {
  CHECK(summary("lab.example:8888") == "plain lab.example 8888");
  CHECK(summary("http://lab.example:8888") == "plain lab.example 8888");
  CHECK(summary("https://lab.example:8443") == "tls lab.example 8443");
  CHECK(summary("ws://10.0.0.1:99") == "plain 10.0.0.1 99");
  CHECK(summary("wss://10.0.0.1:99") == "tls 10.0.0.1 99");
}

TEST_CASE("a URL's port is its scheme's own unless it names one") {
  CHECK(summary("http://lab") == "plain lab 80");
  CHECK(summary("ws://lab/") == "plain lab 80");
  CHECK(summary("https://lab") == "tls lab 443");
  CHECK(summary("wss://lab/") == "tls lab 443");
}

TEST_CASE("an IPv6 address stands in brackets") {
  CHECK(summary("[::1]:8888") == "plain ::1 8888");
  CHECK(summary("https://[2001:db8::7]") == "tls 2001:db8::7 443");
  CHECK(summary("https://[2001:db8::7]:1/") == "tls 2001:db8::7 1");
}

TEST_CASE("what is neither is refused, and so is what a server's address cannot have") {
  for (auto const* text : {"", "lab", ":80", "::1:80", "[]:80", "[::1]", "[::1", "[::1]80", "https://[::1",
                           "a b:80", "ftp://lab:80", "http://", "https://:443", "https://lab/gateway",
                           "https://lab//", "https://lab?x", "https://me@lab", "HTTPS//lab"})
    CHECK_MESSAGE(summary(text).find("it is HOST:PORT, http://") != std::string::npos, text);
  for (auto const* text : {"lab:", "lab:0", "lab:65536", "https://lab:x", "https://lab:", "http:lab"})
    CHECK_MESSAGE(summary(text).find("has a port that is") == 0, text);
}

}  // namespace reachback::service
