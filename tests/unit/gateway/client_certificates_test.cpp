#include "gateway/client_certificates.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace reachback;
using namespace std::chrono_literals;
using gateway::Action;
using gateway::ClientCertificates;
using net::PeerCertificate;

namespace {

std::chrono::system_clock::time_point const noon(1'800'000'000s);

PeerCertificate shown(char byte, std::string subject, std::chrono::seconds left = 1h) {
  return {std::string(32, byte), std::move(subject), noon + left};
}

wire::HttpFields with(std::string name, std::string value) {
  wire::HttpFields fields;
  fields.add(std::move(name), std::move(value));
  return fields;
}

}  // namespace

TEST_SUITE("client certificates") {
  std::vector<ClientCertificateConfig> const known = {
      {"by subject", "", "CN=lab,O=Example", {"call:lab"}},
      {"by hash", std::string(64, '1'), "", {"serve:lab"}},
  };

  TEST_CASE("a fingerprint stands for one certificate, a subject for all that have it") {
    ClientCertificates const certificates(known);
    auto const by_hash = certificates.identify(shown('\x11', "CN=any"), noon);
    REQUIRE(by_hash);
    CHECK(by_hash->user == "by hash");
    CHECK(by_hash->may(Action::serve, "lab"));
    CHECK_FALSE(by_hash->may(Action::call, "lab"));
    for (char const byte : {'\x22', '\x33'}) {
      auto const by_subject = certificates.identify(shown(byte, "CN=lab,O=Example"), noon);
      REQUIRE(by_subject);
      CHECK(by_subject->user == "by subject");
    }
  }

  TEST_CASE("the fingerprint goes before the subject, wherever it stands") {
    ClientCertificates const certificates(known);
    CHECK(certificates.identify(shown('\x11', "CN=lab,O=Example"), noon)->user == "by hash");
  }

  TEST_CASE("what is near a known one is nobody's") {
    ClientCertificates const certificates(known);
    for (std::string const subject :
         {"", "CN=lab", "CN=lab,O=Example,C=DE", "O=Example,CN=lab", "cn=lab,O=Example"})
      CHECK_FALSE(certificates.identify(shown('\x22', subject), noon));
    CHECK_FALSE(ClientCertificates({}).identify(shown('\x11', ""), noon));
  }

  TEST_CASE("one that expires while its connection is open is nobody's from then on") {
    ClientCertificates const certificates(known);
    CHECK(certificates.identify(shown('\x11', "", 1s), noon));
    CHECK_FALSE(certificates.identify(shown('\x11', "", 1s), noon + 1s));
  }

  TEST_CASE("a fingerprint is 64 hex digits, with colons or without") {
    CHECK(gateway::read_fingerprint(std::string(64, 'a')) == std::string(32, '\xaa'));
    std::string colons = "Aa";
    for (int i = 1; i < 32; ++i) colons += ":aA";
    CHECK(gateway::read_fingerprint(colons) == std::string(32, '\xaa'));
    for (std::string const& wrong :
         {std::string(), std::string(62, 'a'), std::string(66, 'a'), std::string(64, 'g')})
      CHECK_FALSE(gateway::read_fingerprint(wrong));
  }

  TEST_CASE("a request with a token or a log-in has a credential of its own, be it good or not") {
    CHECK(gateway::has_own_credential(with("Authorization", "Bearer wrong")));
    CHECK_FALSE(gateway::has_own_credential(with("Authorization", "")));
    CHECK(gateway::has_own_credential(with("Cookie", "a=1; login=wrong")));
    CHECK_FALSE(gateway::has_own_credential(with("Cookie", "a=1; _xsrf=2")));
    CHECK_FALSE(gateway::has_own_credential({}));
  }
}
