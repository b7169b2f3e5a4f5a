#include "gateway/trusted_proxies.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace reachback;
using gateway::TrustedProxies;

namespace {

using Texts = std::vector<std::string>;

TrustedProxies trusting(Texts const& texts) { return *TrustedProxies::read(texts); }

bool trusts(Texts const& texts, char const* address) {
  return trusting(texts).trust(boost::asio::ip::make_address(address));
}

wire::HttpFields forwarded_for(std::string_view value) {
  wire::HttpFields fields;
  fields.add("X-Forwarded-For", value);
  return fields;
}

wire::HttpFields forwarded_proto(std::string_view value) {
  wire::HttpFields fields;
  fields.add("X-Forwarded-Proto", value);
  return fields;
}

std::string client_behind(Texts const& proxies, std::string_view peer, std::string_view forwarded) {
  return trusting(proxies).client_of(peer, forwarded_for(forwarded)).shown;
}

}  // namespace

TEST_SUITE("trusted proxies: who is one") {
  TEST_CASE("an address is itself and no other") {
    CHECK(trusts({"10.0.0.1"}, "10.0.0.1"));
    CHECK_FALSE(trusts({"10.0.0.1"}, "10.0.0.2"));
    CHECK(trusts({"::1"}, "::1"));
    CHECK_FALSE(trusts({"::1"}, "::2"));
    CHECK_FALSE(trusts({}, "127.0.0.1"));
  }

  TEST_CASE("a network is all that share its first bits") {
    CHECK(trusts({"10.1.0.0/16"}, "10.1.255.255"));
    CHECK_FALSE(trusts({"10.1.0.0/16"}, "10.2.0.0"));
    CHECK(trusts({"10.1.2.3/16"}, "10.1.9.9"));
    CHECK(trusts({"0.0.0.0/0"}, "192.0.2.1"));
    CHECK_FALSE(trusts({"0.0.0.0/0"}, "::1"));
    CHECK(trusts({"2001:db8::/32"}, "2001:db8:ffff::1"));
    CHECK_FALSE(trusts({"2001:db8::/32"}, "2001:db9::1"));
    CHECK(trusts({"192.0.2.1", "10.0.0.0/8", "::1"}, "10.9.9.9"));
  }

  TEST_CASE("an IPv4 address that comes as IPv6 is the same one") {
    CHECK(trusts({"10.0.0.1"}, "::ffff:10.0.0.1"));
    CHECK_FALSE(trusts({"10.0.0.1"}, "::ffff:10.0.0.2"));
  }

  TEST_CASE("a neighbour's address is the same on every interface") {
    CHECK(trusts({"fe80::/10"}, "fe80::1%1"));
    CHECK(trusts({"fe80::1"}, "fe80::1%2"));
    CHECK_FALSE(trusts({"fe80::1"}, "fe80::2%1"));
  }

  TEST_CASE("what is neither address nor network is refused with its text") {
    for (std::string const text :
         {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/x", "::1/129",
          "::/", "10.0.0.1:80", "*", "::ffff:10.0.0.0/104"}) {
      CAPTURE(text);
      auto const read = TrustedProxies::read({"10.0.0.1", text});
      REQUIRE(read.has_error());
      CHECK(read.error().text.starts_with("'" + text + "'"));
    }
  }
}

TEST_SUITE("trusted proxies: whose request it is") {
  TEST_CASE("that of the peer when it is no trusted proxy, whatever it says") {
    auto fields = forwarded_for("192.0.2.7");
    fields.add("X-Forwarded-Proto", "https");
    auto const client = trusting({"10.0.0.1"}).client_of("10.0.0.2:5000", fields);
    CHECK(client.address == "10.0.0.2");
    CHECK(client.shown == "10.0.0.2:5000");
    CHECK_FALSE(client.https);
  }

  TEST_CASE("that of the peer when a trusted proxy names nobody") {
    auto const client = trusting({"10.0.0.1"}).client_of("10.0.0.1:5000", {});
    CHECK(client.address == "10.0.0.1");
    CHECK(client.shown == "10.0.0.1:5000");
  }

  TEST_CASE("that of whom a trusted proxy names") {
    auto const client = trusting({"10.0.0.1"}).client_of("10.0.0.1:5000", forwarded_for("192.0.2.7"));
    CHECK(client.address == "192.0.2.7");
    CHECK(client.shown == "192.0.2.7");
    CHECK(client_behind({"::1"}, "[::1]:5000", "2001:db8::7") == "2001:db8::7");
    CHECK(client_behind({"10.0.0.1"}, "[::ffff:10.0.0.1]:5000", "192.0.2.7") == "192.0.2.7");
  }

  TEST_CASE("that of the last who is no trusted proxy: the rest it may have written itself") {
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "192.0.2.7, 10.0.0.2") == "192.0.2.7");
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "127.0.0.1, 192.0.2.7, 10.0.0.2") == "192.0.2.7");
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "10.0.0.3, 10.0.0.2") == "10.0.0.3");
  }

  TEST_CASE("several fields are one list") {
    auto fields = forwarded_for("192.0.2.6, 192.0.2.7");
    fields.add("X-Forwarded-For", "10.0.0.2");
    CHECK(trusting({"10.0.0.0/8"}).client_of("10.0.0.1:5000", fields).address == "192.0.2.7");
  }

  TEST_CASE("an address may have a port and brackets") {
    CHECK(client_behind({"10.0.0.1"}, "10.0.0.1:5000", "192.0.2.7:1234") == "192.0.2.7");
    CHECK(client_behind({"10.0.0.1"}, "10.0.0.1:5000", "[2001:db8::7]") == "2001:db8::7");
    CHECK(client_behind({"10.0.0.1"}, "10.0.0.1:5000", "[2001:db8::7]:1234") == "2001:db8::7");
    CHECK(client_behind({"10.0.0.1"}, "10.0.0.1:5000", "::ffff:192.0.2.7") == "192.0.2.7");
  }

  TEST_CASE("what is no address ends the looking") {
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "192.0.2.7, unknown") == "10.0.0.1:5000");
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "192.0.2.7, unknown, 10.0.0.2") == "10.0.0.2");
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", "[") == "10.0.0.1:5000");
    CHECK(client_behind({"10.0.0.0/8"}, "10.0.0.1:5000", " , ") == "10.0.0.1:5000");
  }

  TEST_CASE("all addresses that one IPv6 host can take are one for the pause after a failed log-in") {
    auto const host = [](std::string_view peer) { return trusting({}).client_of(peer, {}).address; };
    CHECK(host("[2001:db8:1:2::7]:5000") == host("[2001:db8:1:2:ffff::1]:5000"));
    CHECK(host("[2001:db8:1:2::7]:5000") != host("[2001:db8:1:3::7]:5000"));
    CHECK(host("[::ffff:192.0.2.7]:5000") == "192.0.2.7");
    CHECK(host("192.0.2.7:5000") != host("192.0.2.8:5000"));
    auto const proxies = trusting({"10.0.0.1"});
    auto const behind = [&](std::string_view client) {
      return proxies.client_of("10.0.0.1:5000", forwarded_for(client)).address;
    };
    CHECK(behind("2001:db8:1:2::7") == behind("2001:db8:1:2::8"));
  }

  TEST_CASE("it is behind a proxy when a trusted one names somebody who is none") {
    auto const behind = [](std::string_view peer, std::string_view forwarded) {
      return trusting({"10.0.0.0/8"}).client_of(peer, forwarded_for(forwarded)).behind_proxy;
    };
    CHECK(behind("10.0.0.1:80", "192.0.2.1"));
    CHECK(behind("10.0.0.1:80", "192.0.2.1, 10.0.0.2"));
    CHECK_FALSE(behind("10.0.0.1:80", "10.0.0.2"));
    CHECK_FALSE(behind("10.0.0.1:80", "nonsense"));
    CHECK_FALSE(behind("192.0.2.9:80", "192.0.2.1"));
  }

  TEST_CASE("it came by https when the trusted proxy says so") {
    auto const proxies = trusting({"10.0.0.1"});
    auto const https = [&](std::string_view value) {
      return proxies.client_of("10.0.0.1:5000", forwarded_proto(value)).https;
    };
    CHECK(https("https"));
    CHECK(https("HTTPS"));
    CHECK(https("http, https"));
    CHECK_FALSE(https("https, http"));
    CHECK_FALSE(https("http"));
    CHECK_FALSE(https(""));
    CHECK_FALSE(https("httpsx"));
  }
}
