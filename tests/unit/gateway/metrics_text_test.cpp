#include "gateway/metrics_text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

using namespace reachback;
using namespace std::chrono_literals;
using gateway::Outcome;
using gateway::Scrape;

namespace {

/// The text format as a scraper reads it: each sample by its name with labels; what breaks the format is a
/// failure.
struct Exposition {
  explicit Exposition(std::string const& text) {
    static std::regex const comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
    static std::regex const sample(
        R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(?:,[a-zA-Z_]\w*="(?:[^"\\]|\\.)*")*\})? (\S+))");
    REQUIRE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      std::smatch match;
      if (std::regex_match(line, match, comment)) {
        if (match[1] == "TYPE") {
          bool const is_new = types.emplace(match[2], match[3]).second;
          CHECK(is_new);
        }
        continue;
      }
      REQUIRE(std::regex_match(line, match, sample));
      bool const is_new = samples.emplace(match[1].str() + match[2].str(), std::stod(match[3].str())).second;
      CHECK(is_new);
      CHECK(types.contains(family_of(match[1])));
    }
  }

  [[nodiscard]] double at(std::string const& name) const {
    CAPTURE(name);
    auto const found = samples.find(name);
    REQUIRE(found != samples.end());
    return found->second;
  }

  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;

 private:
  [[nodiscard]] std::string family_of(std::string const& name) const {
    for (std::string const suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix) && types.contains(name.substr(0, name.size() - suffix.size())))
        return name.substr(0, name.size() - suffix.size());
    }
    return name;
  }
};

Scrape two_endpoints() {
  Scrape scrape;
  gateway::EndpointScrape data;
  data.name = "wsData";
  data.figures.connections = 3;
  data.figures.calls_in_flight = 2;
  data.figures.opened = 9;
  data.figures.bytes_in = 1'000'000'007;
  data.figures.dropped[static_cast<std::size_t>(gateway::DropReason::bad_json)] = 4;
  data.calls.ended(Outcome::answered(), 2ms);
  data.calls.ended(Outcome::answered(), 2s);
  data.calls.ended(Outcome::failed(proto::Problem::timed_out), 61s);
  scrape.endpoints.push_back(data);
  gateway::EndpointScrape user;
  user.name = "wsUser";
  scrape.endpoints.push_back(user);
  scrape.budgets = {{"parts", 10, 100}};
  scrape.limits[static_cast<std::size_t>(core::Bound::head_limit)] = 16384;
  scrape.limits[static_cast<std::size_t>(core::Bound::handshake_rate)] =
      std::numeric_limits<double>::infinity();
  scrape.refusals.count(core::Bound::head_limit);
  scrape.most_of_address = 7;
  scrape.started_at = std::chrono::system_clock::time_point(1'800'000'000s);
  return scrape;
}

}  // namespace

TEST_SUITE("metrics text") {
  TEST_CASE("is the Prometheus text format, with every endpoint's figures") {
    Exposition const text(gateway::metrics_text(two_endpoints()));
    CHECK(text.at(R"(reachback_connections{endpoint="wsData"})") == 3);
    CHECK(text.at(R"(reachback_connections{endpoint="wsUser"})") == 0);
    CHECK(text.at(R"(reachback_calls_in_flight{endpoint="wsData"})") == 2);
    CHECK(text.at(R"(reachback_connections_opened_total{endpoint="wsData"})") == 9);
    CHECK(text.at(R"(reachback_received_bytes_total{endpoint="wsData"})") == 1'000'000'007);
    CHECK(text.at(R"(reachback_dropped_messages_total{endpoint="wsData",reason="bad-json"})") == 4);
    CHECK(text.at(R"(reachback_dropped_messages_total{endpoint="wsUser",reason="bad-json"})") == 0);
    CHECK(text.at(R"(reachback_budget_used{budget="parts"})") == 10);
    CHECK(text.at(R"(reachback_budget_limit{budget="parts"})") == 100);
    CHECK(text.at("reachback_start_time_seconds") == 1'800'000'000);
    CHECK(text.types.at("reachback_calls_in_flight") == "gauge");
    CHECK(text.types.at("reachback_received_bytes_total") == "counter");
  }

  TEST_CASE("tells when the certificate expires, where there is one") {
    auto scrape = two_endpoints();
    std::string const name = "reachback_tls_certificate_expiry_seconds";
    CHECK_FALSE(Exposition(gateway::metrics_text(scrape)).samples.contains(name));
    scrape.certificate_expires = std::chrono::system_clock::time_point(1'900'000'001s);
    CHECK(Exposition(gateway::metrics_text(scrape)).at(name) == 1'900'000'001);
  }

  TEST_CASE("every limit has its value and what was refused for it") {
    Scrape scrape = two_endpoints();
    scrape.endpoints[0].figures.most_calls = 5;
    scrape.endpoints[0].figures.most_outbox = 6;
    Exposition const text(gateway::metrics_text(scrape));
    CHECK(text.at(R"(reachback_limit{limit="head-limit"})") == 16384);
    CHECK(std::isinf(text.at(R"(reachback_limit{limit="handshake-rate"})")));
    CHECK(text.at(R"(reachback_refused_total{limit="head-limit"})") == 1);
    CHECK(text.at(R"(reachback_refused_total{limit="login-pause"})") == 0);
    CHECK(text.types.at("reachback_refused_total") == "counter");
    CHECK(text.at("reachback_address_connections_max") == 7);
    CHECK(text.at(R"(reachback_connection_calls_max{endpoint="wsData"})") == 5);
    CHECK(text.at(R"(reachback_connection_outbox_bytes_max{endpoint="wsData"})") == 6);
  }

  TEST_CASE("counts calls by outcome, answered ones always") {
    Exposition const text(gateway::metrics_text(two_endpoints()));
    CHECK(text.at(R"(reachback_calls_total{endpoint="wsData",outcome="answered"})") == 2);
    CHECK(text.at(R"(reachback_calls_total{endpoint="wsData",outcome="timed-out"})") == 1);
    CHECK(text.at(R"(reachback_calls_total{endpoint="wsUser",outcome="answered"})") == 0);
    CHECK_FALSE(text.samples.contains(R"(reachback_calls_total{endpoint="wsUser",outcome="timed-out"})"));
  }

  TEST_CASE("durations are a histogram whose buckets add up") {
    Exposition const text(gateway::metrics_text(two_endpoints()));
    CHECK(text.types.at("reachback_call_duration_seconds") == "histogram");
    std::string const name = "reachback_call_duration_seconds";
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="0.001"})") == 0);
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="0.0025"})") == 1);
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="1"})") == 1);
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="2.5"})") == 2);
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="60"})") == 2);
    CHECK(text.at(name + R"(_bucket{endpoint="wsData",le="+Inf"})") == 3);
    CHECK(text.at(name + R"(_count{endpoint="wsData"})") == 3);
    CHECK(text.at(name + R"(_sum{endpoint="wsData"})") == doctest::Approx(63.002));
  }
}
