#include "unit/service/parsing.hpp"

namespace reachback::service {

namespace {

ProbeConfig config_of(Words words, Variables const& variables = {}) {
  words.insert(words.begin(), "health");
  auto const command = parsed(words, variables);
  if (auto const* notice = std::get_if<Notice>(&command)) FAIL(notice->text);
  return std::get<HealthCommand>(command).config;
}

std::string refused(Words words, Variables const& variables = {}) {
  words.insert(words.begin(), "health");
  return refusal(words, variables);
}

bool contains(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("health asks the gateway of this machine, at the port that serve is told by the same variable") {
  CHECK(config_of({}).host == "127.0.0.1");
  CHECK(config_of({}).port == 8888);
  CHECK(config_of({}).path == "/readyz");
  CHECK_FALSE(config_of({}).tls);
  CHECK(config_of({}, {{"REACHBACK_PORT", "99"}}).port == 99);
  CHECK(contains(refused({}, {{"REACHBACK_PORT", "0"}}), "REACHBACK_PORT is '0'"));
}

TEST_CASE("health takes its flags, and a server on the command line makes the variable void") {
  auto const config = config_of(
      {"--server", "https://lab.example", "--ca-file", "/lab.pem", "--path", "/livez", "--timeout", "0.25"},
      {{"REACHBACK_PORT", "no port"}});
  CHECK(config.host == "lab.example");
  CHECK(config.port == 443);
  CHECK(config.tls);
  CHECK(config.ca_file == "/lab.pem");
  CHECK(config.path == "/livez");
  CHECK(config.timeout == std::chrono::milliseconds(250));
  CHECK(config_of({"--server", "https://lab"}, {{"REACHBACK_CA_FILE", "/lab.pem"}}).ca_file == "/lab.pem");
  CHECK(config_of({"--server", "http://lab"}, {{"REACHBACK_CA_FILE", "/lab.pem"}}).ca_file.empty());
}

TEST_CASE(
    "health asks this machine by TLS where serve is told to speak it, and believes whoever answers there") {
  Variables const tls = {{"REACHBACK_TLS_CERTIFICATE", "/tls.crt"}};
  CHECK(config_of({}, tls).tls);
  CHECK_FALSE(config_of({}, tls).checked);
  CHECK(config_of({}).checked);
  CHECK(config_of({"--ca-file", "/lab.pem"}, tls).checked);
  CHECK(config_of({"--server", "https://lab"}, tls).checked);
  CHECK_FALSE(config_of({"--server", "http://lab"}, tls).tls);
}

TEST_CASE("health shows a certificate by its flags, else by the environment's") {
  auto const by_flags = config_of({"--server", "https://lab", "--certificate", "/a.pem", "--key", "/a.key"},
                                  {{"REACHBACK_CERTIFICATE", "/b.pem"}, {"REACHBACK_KEY", "/b.key"}});
  CHECK(by_flags.certificate_file == "/a.pem");
  CHECK(by_flags.key_file == "/a.key");
  auto const by_environment = config_of({"--server", "https://lab"},
                                        {{"REACHBACK_CERTIFICATE", "/b.pem"}, {"REACHBACK_KEY", "/b.key"}});
  CHECK(by_environment.certificate_file == "/b.pem");
  CHECK(by_environment.key_file == "/b.key");
  CHECK(
      contains(refused({"--server", "https://lab"}, {{"REACHBACK_KEY", "/b.key"}}), "REACHBACK_CERTIFICATE"));
  CHECK(contains(refused({"--server", "http://lab", "--certificate", "/a.pem", "--key", "/a.key"}), "https"));
}

TEST_CASE("what makes no sense is refused by its flag's name") {
  CHECK(contains(refused({"--server", "lab"}), "--server"));
  CHECK(contains(refused({"--path", "readyz"}), "--path"));
  CHECK(contains(refused({"--path", "/a b"}), "--path"));
  CHECK(contains(refused({"--timeout", "0"}), "--timeout"));
  CHECK(contains(refused({"--ca-file", "/lab.pem"}), "--ca-file"));
}

}  // namespace reachback::service
