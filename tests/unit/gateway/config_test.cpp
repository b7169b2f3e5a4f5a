#include "reachback/config.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

#include "reachback/errors.hpp"

using namespace reachback;
using namespace std::chrono_literals;

namespace {

/// What `check` says about the default configuration after a change; empty when it makes sense.
std::string fault_after(std::function<void(Config&)> const& change) {
  Config config;
  change(config);
  try {
    check(config);
  } catch (StartError const& error) {
    return error.what();
  }
  return {};
}

std::string fault_of_endpoint(std::string const& name) {
  return fault_after([&](Config& config) { config.endpoints = {{name, EndpointKind::service, {}}}; });
}

bool names(std::string const& fault, std::string_view setting) {
  return fault.find(setting) != std::string::npos && fault.find('\n') == std::string::npos;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("the defaults make sense") {
    CHECK(fault_after([](Config&) {}).empty());
    CHECK(fault_after([](Config& config) { config.endpoints.clear(); }).empty());
  }

  TEST_CASE("the number of threads has bounds") {
    for (unsigned const threads : {0u, 257u, 4'000'000'000u}) {
      CHECK(names(fault_after([&](Config& config) { config.threads = threads; }), "threads"));
    }
    for (unsigned const threads : {1u, 256u})
      CHECK(fault_after([&](Config& config) { config.threads = threads; }).empty());
  }

  TEST_CASE("an endpoint's name has 1 to 64 plain characters") {
    for (std::string const name : {"", ".", "..", "a/b", "a b", "\xc3\xa9", "a?b", "*"}) {
      CAPTURE(name);
      CHECK(names(fault_of_endpoint(name), "endpoint '" + name + "'"));
    }
    CHECK_FALSE(fault_of_endpoint(std::string(65, 'a')).empty());
    CHECK(fault_of_endpoint(std::string(64, 'a')).empty());
    CHECK(fault_of_endpoint("A-Za-z0-9_.-").empty());
  }

  TEST_CASE("an endpoint cannot take the place of one of our pages") {
    for (std::string const name :
         {"v1", "login", "logout", "livez", "readyz", "healthz", "metrics", "version", "problems"}) {
      CAPTURE(name);
      CHECK(names(fault_of_endpoint(name), name));
    }
  }

  TEST_CASE("an endpoint is there once") {
    auto const fault = fault_after([](Config& config) {
      config.endpoints = {{"one", EndpointKind::service, {}}, {"one", EndpointKind::broadcast, {}}};
    });
    CHECK(names(fault, "'one'"));
  }

  TEST_CASE("a reject reason fits into a close frame and is UTF-8") {
    auto const fault_of_reason = [](std::string reason) {
      return fault_after([&](Config& config) { config.endpoints = {{"off", EndpointKind::reject, reason}}; });
    };
    CHECK(fault_of_reason(std::string(123, 'x')).empty());
    CHECK(names(fault_of_reason(std::string(124, 'x')), "'off'"));
    CHECK(names(fault_of_reason("\xff"), "'off'"));
  }

  TEST_CASE("a token has a name, a hash and scopes that are some") {
    auto const fault_of_token = [](TokenConfig token) {
      return fault_after(
          [&](Config& config) { config.tokens = {known_token("good", "secret"), std::move(token)}; });
    };
    std::string const hash(64, 'a');
    CHECK(fault_of_token({"bob", hash, {"call:lab", "admin"}}).empty());
    CHECK(fault_of_token({"bob", hash, {}}).empty());
    CHECK(names(fault_of_token({"", hash, {}}), "name"));
    for (std::string const& wrong : {std::string(), hash.substr(1), hash + "a", hash + hash}) {
      CAPTURE(wrong);
      CHECK(names(fault_of_token({"bob", wrong, {}}), "'bob'"));
    }
    CHECK(names(fault_of_token({"bob", std::string(64, 'x'), {}}), "'bob'"));
    CHECK(names(fault_of_token({"bob", hash, {"call"}}), "'bob': 'call'"));
  }

  TEST_CASE("one token cannot be there twice with scopes that differ") {
    std::string const other_case = "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B";
    CHECK(names(fault_after([&](Config& config) {
                  config.tokens = {known_token("all", "secret"), {"lab", other_case, {"serve:lab"}}};
                }),
                "'lab'"));
  }

  TEST_CASE("a client certificate has a name, a hash or a subject, and scopes that are some") {
    auto const fault_of_certificate = [](ClientCertificateConfig certificate) -> std::string {
      try {
        check(certificate);
      } catch (StartError const& error) {
        return error.what();
      }
      return {};
    };
    std::string const hash(64, 'a');
    CHECK(fault_of_certificate({"lab", hash, "", {"serve:lab"}}).empty());
    CHECK(fault_of_certificate({"lab", "", "CN=lab", {"*"}}).empty());
    CHECK(names(fault_of_certificate({"", hash, "", {"*"}}), "name"));
    CHECK(names(fault_of_certificate({"lab", "", "", {"*"}}), "either"));
    CHECK(names(fault_of_certificate({"lab", hash, "CN=lab", {"*"}}), "either"));
    CHECK(names(fault_of_certificate({"lab", hash + "a", "", {"*"}}), "sha256"));
    CHECK(names(fault_of_certificate({"lab", hash, "", {"serve"}}), "'serve'"));
  }

  TEST_CASE("one client certificate cannot be there twice, and needs an authority that is believed") {
    std::string const small(64, 'a'), capital(64, 'A');
    CHECK(names(fault_after([&](Config& config) {
                  config.client_certificates = {{"one", small, "", {"*"}}, {"two", capital, "", {}}};
                }),
                "'two' is there twice"));
    CHECK(
        names(fault_after([&](Config& config) { config.client_certificates = {{"one", small, "", {"*"}}}; }),
              "tls_client_ca"));
  }

  TEST_CASE("settings of TLS belong together") {
    CHECK(names(fault_after([](Config& config) { config.tls.certificate = "a.pem"; }), "tls_key"));
    CHECK(names(fault_after([](Config& config) { config.tls.key = "a.key"; }), "tls_certificate"));
    CHECK(names(fault_after([](Config& config) { config.tls.client_ca = "a.pem"; }), "tls_certificate"));
    CHECK(names(fault_after([](Config& config) { config.tls.client_required = true; }), "tls_client_ca"));
    CHECK(names(fault_after([](Config& config) {
                  config.tls.certificate = "/no/such.pem";
                  config.tls.key = "/no/such.key";
                }),
                "/no/such.pem: No such file"));
  }

  TEST_CASE("the key of cookies has at least 32 bytes, or none is given") {
    auto const fault_of_key = [](std::size_t size) {
      return fault_after([&](Config& config) { config.cookie_key = std::string(size, 'k'); });
    };
    CHECK(fault_of_key(0).empty());
    CHECK(fault_of_key(32).empty());
    CHECK(names(fault_of_key(31), "cookie key"));
    CHECK(fault_of_key(31).find("kk") == std::string::npos);
  }

  TEST_CASE("an issuer or an audience of JSON Web Tokens needs keys, which make sense") {
    std::string const set = R"({"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]})";
    CHECK(fault_after([&](Config& config) { config.jwt = {set, "https://id.example", "lab"}; }).empty());
    CHECK(names(fault_after([](Config& config) { config.jwt.issuer = "https://id.example"; }), "JWT"));
    CHECK(names(fault_after([](Config& config) { config.jwt.audience = "lab"; }), "JWT"));
    CHECK(names(fault_after([](Config& config) { config.jwt.keys = "{}"; }), "JWT keys"));
  }

  TEST_CASE("trusted proxies are addresses and networks") {
    auto const fault_of_proxy = [](std::string const& proxy) {
      return fault_after([&](Config& config) { config.trusted_proxies = {"::1", proxy}; });
    };
    CHECK(fault_of_proxy("10.0.0.0/8").empty());
    CHECK(names(fault_of_proxy("proxy.example"), "trusted proxy 'proxy.example'"));
  }

  TEST_CASE("limits and times are over 0") {
    CHECK(names(fault_after([](Config& config) { config.limits.message = 0; }), "message"));
    CHECK(names(fault_after([](Config& config) { config.limits.subscriber = 0; }), "subscriber"));
    CHECK(names(fault_after([](Config& config) { config.limits.logins = 0; }), "log-in"));
    CHECK(names(fault_after([](Config& config) { config.timeouts.login_pause = -1ms; }), "log-in"));
    CHECK(fault_after([](Config& config) { config.timeouts.login_pause = 0ms; }).empty());
    CHECK(names(fault_after([](Config& config) { config.timeouts.ping = 0ms; }), "ping"));
    CHECK(names(fault_after([](Config& config) { config.timeouts.silence = -1ms; }), "silence"));
    CHECK(names(fault_after([](Config& config) { config.timeouts.drain_wait = -1ms; }), "drain"));
    CHECK(fault_after([](Config& config) { config.timeouts.drain_wait = 0ms; }).empty());
    CHECK(fault_after([](Config& config) { config.limits.connections = 0; }).empty());
  }

  TEST_CASE("the default time-out of calls is not over the longest") {
    CHECK(names(fault_after([](Config& config) { config.timeouts.longest_call = 59s; }), "time-out"));
    CHECK(fault_after([](Config& config) { config.timeouts.longest_call = 60s; }).empty());
  }

  TEST_CASE("kinds have the names of the contract") {
    CHECK(to_string(EndpointKind::service) == "service");
    CHECK(to_string(EndpointKind::broadcast) == "broadcast");
    CHECK(to_string(EndpointKind::reject) == "reject");
  }
}
