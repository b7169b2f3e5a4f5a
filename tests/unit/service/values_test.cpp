#include "values.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace reachback::service {

namespace {

using std::chrono::milliseconds;

constexpr Config::Duration hour = std::chrono::hours(1);

std::string complaint_of(auto const& read) { return read ? "none" : read.error().text(); }

bool says(auto const& read, std::string_view words) {
  return complaint_of(read).find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a number is decimal and within its bounds") {
  CHECK(*read_number("0", 0, 9) == 0);
  CHECK(*read_number("9", 0, 9) == 9);
  for (auto const* text : {"10", "-1", "", " 1", "1 ", "+1", "1.0", "0x1", "one", "99999999999999999999999"})
    CHECK_MESSAGE(says(read_number(text, 0, 9), "whole number from 0 to 9"), text);
}

TEST_CASE("bytes take the suffixes of powers of 1024") {
  CHECK(*read_bytes("17", 0) == 17);
  CHECK(*read_bytes("17B", 0) == 17);
  CHECK(*read_bytes("3KiB", 0) == 3 * 1024);
  CHECK(*read_bytes("16 MiB", 0) == std::uint64_t{16} << 20);
  CHECK(*read_bytes("5GiB", 0) == std::uint64_t{5} << 30);
}

TEST_CASE("bytes that are no number, too few or more than can be counted are refused") {
  for (auto const* text : {"", "MiB", "-1", "1.5MiB", "1MB", "1 mib", "x", "1KiBKiB", "9000000000GiB"})
    CHECK_MESSAGE(says(read_bytes(text, 0), "number of bytes"), text);
  CHECK(says(read_bytes("0", 1), "at least 1 B"));
  CHECK(says(read_bytes("1023", 1024), "at least 1 KiB"));
}

TEST_CASE("seconds may have a fraction, down to the millisecond") {
  CHECK(*read_seconds("60", milliseconds(0), hour) == std::chrono::seconds(60));
  CHECK(*read_seconds("0.25", milliseconds(0), hour) == milliseconds(250));
  CHECK(*read_seconds("0.0014", milliseconds(0), hour) == milliseconds(1));
  CHECK(*read_seconds("0", milliseconds(0), hour) == milliseconds(0));
  CHECK(*read_seconds("3600", milliseconds(0), hour) == hour);
}

TEST_CASE("times take the units ms, s, min and h") {
  CHECK(*read_seconds("250 ms", milliseconds(0), hour) == milliseconds(250));
  CHECK(*read_seconds("1.5s", milliseconds(0), hour) == milliseconds(1500));
  CHECK(*read_seconds("2 min", milliseconds(0), hour) == std::chrono::minutes(2));
  CHECK(*read_seconds("1h", milliseconds(0), hour) == hour);
  CHECK(says(read_seconds("61 min", milliseconds(0), hour), "from 0 s to 3600 s"));
}

TEST_CASE("seconds that are no number or out of bounds are refused") {
  for (auto const* text : {"", "s", "1 m", "1 sec", "1 s s", "nan", "inf", "-inf", "1e999", "1,5", " 1"})
    CHECK_MESSAGE(says(read_seconds(text, milliseconds(0), hour), "number of seconds"), text);
  for (auto const* text : {"-1", "-0.0001", "3601", "1e30"})
    CHECK_MESSAGE(says(read_seconds(text, milliseconds(0), hour), "from 0 s to 3600 s"), text);
  CHECK(says(read_seconds("0", milliseconds(1), hour), "from 0.001 s"));
  CHECK(says(read_seconds("0.0004", milliseconds(1), hour), "from 0.001 s"));
}

TEST_CASE("an endpoint has a name, a kind and, if it rejects, a reason") {
  auto const service = read_endpoint("wsData=service");
  CHECK(service->name == "wsData");
  CHECK(service->kind == EndpointKind::service);
  CHECK(read_endpoint("a.b-c_9=broadcast")->kind == EndpointKind::broadcast);
  auto const reject = read_endpoint("wsOld=reject:moved to wsNew: see =there=");
  CHECK(reject->kind == EndpointKind::reject);
  CHECK(reject->reject_reason == "moved to wsNew: see =there=");
  CHECK(read_endpoint("wsOld=reject")->reject_reason.empty());
  CHECK(read_endpoint("wsOld=reject:")->reject_reason.empty());
}

TEST_CASE("an endpoint's name can be a path of its own and nothing else") {
  auto const longest = std::string(64, 'n');
  CHECK(read_endpoint(longest + "=service")->name == longest);
  for (auto const& name : {std::string(65, 'n'), std::string(), std::string("a/b"), std::string("a b"),
                           std::string("a?"), std::string("\xc3\xa4")})
    CHECK_MESSAGE(says(read_endpoint(name + "=service"), "has the name"), name);
  for (auto const* name :
       {"v1", "login", "logout", "livez", "readyz", "healthz", "metrics", "version", "problems", ".."})
    CHECK_MESSAGE(says(read_endpoint(std::string(name) + "=service"), "path of the gateway's own"), name);
}

TEST_CASE("an endpoint without kind, of unknown kind or with a reason out of place is refused") {
  CHECK(says(read_endpoint("wsData"), "NAME=KIND"));
  CHECK(says(read_endpoint("wsData="), "unknown kind ''"));
  CHECK(says(read_endpoint("wsData=Service"), "unknown kind 'Service'"));
  CHECK(says(read_endpoint("wsData=service:why"), "only the kind reject"));
}

TEST_CASE("a reject reason fits into a close frame") {
  CHECK(read_endpoint("e=reject:" + std::string(123, 'r'))->reject_reason.size() == 123);
  CHECK(says(read_endpoint("e=reject:" + std::string(124, 'r')), "124 bytes: at most 123"));
}

TEST_CASE("log levels have four names") {
  CHECK(*read_level("debug") == LogLevel::debug);
  CHECK(*read_level("info") == LogLevel::info);
  CHECK(*read_level("warning") == LogLevel::warning);
  CHECK(*read_level("error") == LogLevel::error);
  CHECK(says(read_level("warn"), "debug, info, warning or error"));
}

TEST_CASE("a refused token does not appear in the complaint") {
  CHECK(*read_token("s3cret~+/=") == "s3cret~+/=");
  CHECK(says(read_token("my secret"), "no header can carry"));
  CHECK_FALSE(says(read_token("my secret"), "secret"));
  CHECK_FALSE(read_token("").has_value());
  CHECK_FALSE(read_token("line\nbreak").has_value());
}

TEST_CASE("an origin is a scheme and an authority") {
  CHECK(*read_origin("https://lab.example") == "https://lab.example");
  CHECK(*read_origin("http://127.0.0.1:8080") == "http://127.0.0.1:8080");
  for (auto const* text :
       {"lab.example", "https://", "https://lab.example/", "ftp://lab", "*", "null", "http://u@h"})
    CHECK_MESSAGE(says(read_origin(text), "without a path"), text);
}

TEST_CASE("sizes and times are written as they are read") {
  for (std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{1536},
                              std::uint64_t{16} << 20, std::uint64_t{3} << 30})
    CHECK(*read_bytes(bytes_text(bytes), 0) == bytes);
  CHECK(bytes_text(16 << 20) == "16 MiB");
  CHECK(bytes_text(1536) == "1536 B");
  CHECK(seconds_text(std::chrono::seconds(60)) == "60 s");
  CHECK(seconds_text(milliseconds(250)) == "0.25 s");
}

TEST_CASE("a token's hash comes with its name and scopes") {
  std::string const hash(64, 'A');
  CHECK(*read_token_hash("lab:" + hash + ":serve:wsData,call:*") ==
        TokenConfig{"lab", hash, {"serve:wsData", "call:*"}});
  for (std::string const& text : {std::string(), hash, "lab:" + hash})
    CHECK_MESSAGE(says(read_token_hash(text), "NAME:SHA256:SCOPE"), text);
  for (std::string const& text : {":" + hash + ":*", "lab:" + hash.substr(1) + ":*", "lab:" + hash + ":",
                                  "lab:" + hash + ":serve", "lab:" + hash + ":*,"})
    CHECK_MESSAGE(says(read_token_hash(text), "makes no sense"), text);
}

using Texts = std::vector<std::string>;

TEST_CASE("a client certificate comes with its name, by its hash or its subject, and its scopes") {
  std::string const hash(64, 'A');
  CHECK(*read_certificate("lab:sha256=" + hash + ":scopes=serve:wsData,call:*") ==
        ClientCertificateConfig{"lab", hash, "", {"serve:wsData", "call:*"}});
  CHECK(*read_certificate("lab 7:subject=CN=lab:7,O=A\\, B:scopes=*") ==
        ClientCertificateConfig{"lab 7", "", "CN=lab:7,O=A\\, B", {"*"}});
  std::string colons = "AA";
  for (int i = 1; i < 32; ++i) colons += ":AA";
  CHECK(read_certificate("lab:sha256=" + colons + ":scopes=*")->sha256 == colons);
  for (std::string const& text : Texts{"", hash, "lab:sha256=" + hash, "lab:scopes=*"})
    CHECK_MESSAGE(says(read_certificate(text), "NAME:sha256="), text);
  for (std::string const& text :
       Texts{":sha256=" + hash + ":scopes=*", "lab:sha256=" + hash.substr(1) + ":scopes=*",
             "lab:sha256=:scopes=*", "lab:subject=:scopes=*", "lab:subject=CN=a:scopes=serve",
             "lab:subject=CN=a:scopes=", "lab:sha256=" + hash + ":subject=CN=a:scopes=*"})
    CHECK_MESSAGE(says(read_certificate(text), "makes no sense"), text);
}

TEST_CASE("a proxy is an address or a network") {
  for (auto const* text : {"127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"}) CHECK(*read_proxy(text) == text);
  for (auto const* text : {"", "nginx", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0.1:80"})
    CHECK_MESSAGE(says(read_proxy(text), "makes no sense"), text);
}

TEST_CASE("a cookie key that is too short does not appear in the complaint") {
  CHECK(*read_cookie_key(std::string(32, 'k')) == std::string(32, 'k'));
  CHECK(says(read_cookie_key("hush"), "at least 32 bytes"));
  CHECK_FALSE(says(read_cookie_key("hush"), "hush"));
  CHECK_FALSE(read_cookie_key("").has_value());
}

TEST_CASE("a switch is true or false, or 1 or 0") {
  CHECK(*read_toggle("true"));
  CHECK(*read_toggle("1"));
  CHECK_FALSE(*read_toggle("false"));
  CHECK_FALSE(*read_toggle("0"));
  for (auto const* text : {"", "yes", "True", "2"}) CHECK(says(read_toggle(text), "true or false"));
}

}  // namespace reachback::service
