#include "settings.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "effective_settings.hpp"
#include "environment.hpp"
#include "options.hpp"
#include "print_config.hpp"
#include "temporary_file.hpp"

namespace reachback::service {

namespace {

using Texts = std::vector<std::string>;

std::string const hash(64, 'a');
std::string const key(32, 'k');

/// A value for each setting that is not its default; several for one that repeats.
std::map<std::string, Texts> const samples = {
    {"test", {"true"}},
    {"host", {"::1"}},
    {"port", {"9999"}},
    {"threads", {"3"}},
    {"endpoint", {"a=service", "b=reject:moved: see a"}},
    {"log-level", {"debug"}},
    {"password-file", {"/etc/lab \"accounts\""}},
    {"token-hash", {"lab:" + hash + ":serve:wsData,call:*", "admin:" + hash + ":admin"}},
    {"token", {"one,and", "two"}},
    {"token-file", {"tokens"}},
    {"jwt-keys-file", {"keys.json"}},
    {"jwt-issuer", {"https://id.example"}},
    {"jwt-audience", {"lab"}},
    {"cookie-key", {key}},
    {"cookie-key-file", {"cookie key"}},
    {"allow-origin", {"https://lab.example", "http://lab.example:8080"}},
    {"trusted-proxy", {"10.0.0.0/8", "::1"}},
    {"tls-certificate", {"tls.crt"}},
    {"tls-key", {"tls.key"}},
    {"tls-client-ca", {"clients.pem"}},
    {"tls-client-required", {"true"}},
    {"client-certificate",
     {"lab:sha256=" + hash + ":scopes=serve:wsData,call:*", "b:subject=CN=b,O=Lab:scopes=admin"}},
    {"connection-limit", {"12345"}},
    {"connection-reserve", {"12345"}},
    {"address-connection-limit", {"12345"}},
    {"endpoint-connection-limit", {"12345"}},
    {"handshake-rate", {"12345"}},
    {"event-stream-limit", {"12345"}},
    {"message-limit", {"3 MiB"}},
    {"request-limit", {"3 MiB"}},
    {"head-limit", {"3 KiB"}},
    {"part-limit", {"3 MiB"}},
    {"call-limit", {"12345"}},
    {"connection-call-limit", {"12345"}},
    {"call-budget", {"3 MiB"}},
    {"total-part-budget", {"3 MiB"}},
    {"outbox-limit", {"3 MiB"}},
    {"total-outbox-budget", {"3 MiB"}},
    {"receive-budget", {"3 MiB"}},
    {"body-budget", {"3 MiB"}},
    {"subscriber-limit", {"3 MiB"}},
    {"login-limit", {"12345"}},
    {"call-timeout", {"3.5 s"}},
    {"longest-call", {"99.5 s"}},
    {"head-timeout", {"3.5 s"}},
    {"body-timeout", {"3.5 s"}},
    {"write-timeout", {"3.5 s"}},
    {"idle-timeout", {"3.5 s"}},
    {"ping-interval", {"3.5 s"}},
    {"silence-timeout", {"33.5 s"}},
    {"close-timeout", {"3.5 s"}},
    {"login-pause", {"3.5 s"}},
    {"drain-wait", {"3.5 s"}},
    {"drain-grace", {"3.5 s"}},
};

using Variables = std::map<std::string, std::string>;

Command parse(Texts const& words, Variables const& variables) {
  std::vector<char const*> argv = {"reachback", "serve"};
  for (auto const& word : words) argv.push_back(word.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data(), [&](std::string const& name) {
    auto const found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

ServeCommand serve(Texts const& words, Variables const& variables = {}) {
  auto const command = parse(words, variables);
  if (auto const* const notice = std::get_if<Notice>(&command)) FAIL(notice->text);
  return std::get<ServeCommand>(command);
}

ServeCommand serve_with_file(std::string const& text, Texts words = {}, Variables const& variables = {}) {
  TemporaryFile const file(text);
  words.insert(words.end(), {"--config", file.path()});
  return serve(words, variables);
}

/// The one line of a refusal.
std::string complaint(Texts const& words, Variables const& variables = {}) {
  auto const command = parse(words, variables);
  REQUIRE(std::holds_alternative<Notice>(command));
  auto const& notice = std::get<Notice>(command);
  CHECK(notice.exit_code == 2);
  CHECK(notice.text.find('\n') == notice.text.size() - 1);
  return notice.text;
}

std::string printed(Texts words, Variables const& variables = {}) {
  words.push_back("--print-config");
  auto const command = parse(words, variables);
  REQUIRE(std::holds_alternative<Notice>(command));
  CHECK(std::get<Notice>(command).exit_code == 0);
  return std::get<Notice>(command).text;
}

Texts flags_for(Setting const& setting) {
  if (setting.form == Form::toggle) return {setting.flag()};
  Texts words;
  for (auto const& text : samples.at(setting.name)) words.insert(words.end(), {setting.flag(), text});
  return words;
}

Variables variables_for(Setting const& setting) {
  std::string value;
  for (auto const& text : samples.at(setting.name))
    value += (value.empty() ? "" : setting.commas ? ", " : "\n") + text;
  return {{setting.variable(), value}};
}

std::string toml_for(Setting const& setting) {
  auto const& texts = samples.at(setting.name);
  if (setting.form == Form::toggle) return setting.key() + " = " + texts[0];
  std::string list;
  for (auto const& text : texts) list += (list.empty() ? "'" : ", '") + text + '\'';
  return setting.key() + " = " + (setting.repeats() ? '[' + list + ']' : list);
}

void check_says_only(ServeCommand const& command, Setting const& setting) {
  CHECK_MESSAGE(setting.show(command) == samples.at(setting.name), setting.name);
  // Test mode has two defaults of its own, which have a test.
  std::set<std::string> implied = {"config"};
  if (setting.name == "test") implied.insert({"host", "drain-wait"});
  for (Setting const& other : settings()) {
    if (other.name == setting.name || implied.contains(other.name)) continue;
    CHECK_MESSAGE(other.show(command) == other.show(ServeCommand()), setting.name, " and ", other.name);
  }
}

}  // namespace

TEST_CASE("each setting is set by its flag, and nothing else is") {
  for (Setting const& setting : settings()) {
    if (setting.name != "config" && setting.has_flag) check_says_only(serve(flags_for(setting)), setting);
  }
}

TEST_CASE("each setting is set by its environment variable, and nothing else is") {
  for (Setting const& setting : settings()) {
    if (setting.name != "config") check_says_only(serve({}, variables_for(setting)), setting);
  }
}

TEST_CASE("each setting is set by its key in the configuration file, and nothing else is") {
  for (Setting const& setting : settings()) {
    if (setting.has_key) check_says_only(serve_with_file(toml_for(setting)), setting);
  }
}

TEST_CASE("flags count before the environment, the environment before the file") {
  std::string const file =
      "port = 1\nthreads = 1\ncall_limit = 1\nallow_origin = ['http://one', 'http://two']";
  Variables const variables = {{"REACHBACK_PORT", "2"}, {"REACHBACK_THREADS", "2"}};
  auto const command = serve_with_file(file, {"--port", "3", "--allow-origin", "http://three"}, variables);
  CHECK(command.config.port == 3);
  CHECK(command.config.threads == 2);
  CHECK(command.config.limits.calls == 1);
  CHECK(command.config.allowed_origins == Texts{"http://three"});
}

TEST_CASE("the environment can name the configuration file, and a flag another one") {
  TemporaryFile const one("port = 1"), two("port = 2");
  CHECK(serve({}, {{"REACHBACK_CONFIG", one.path()}}).config.port == 1);
  CHECK(serve({"--config", two.path()}, {{"REACHBACK_CONFIG", one.path()}}).config.port == 2);
}

TEST_CASE("a switch can be turned off again by what counts more") {
  CHECK(serve_with_file("test = true").config.test_mode);
  CHECK_FALSE(serve_with_file("test = true", {}, {{"REACHBACK_TEST", "0"}}).config.test_mode);
  CHECK_FALSE(serve({"--test=false"}, {{"REACHBACK_TEST", "1"}}).config.test_mode);
}

TEST_CASE("what test mode implies gives way to what was said, wherever it was") {
  auto const silent = serve({}, {{"REACHBACK_TEST", "true"}});
  CHECK(silent.config.address == "127.0.0.1");
  CHECK(silent.config.timeouts.drain_wait.count() == 0);
  auto const told = serve_with_file("drain_wait = 2\nhost = '::1'", {"--test"});
  CHECK(told.config.address == "::1");
  CHECK(told.config.timeouts.drain_wait == std::chrono::seconds(2));
}

TEST_CASE("a complaint names the place where the value was said") {
  CHECK(complaint({"--port", "eighty"}).starts_with("reachback: --port is 'eighty'"));
  CHECK(complaint({}, {{"REACHBACK_PORT", "eighty"}}).starts_with("reachback: REACHBACK_PORT is 'eighty'"));
  TemporaryFile const file("# first\n\nport = 'eighty'\n");
  CHECK(
      complaint({"--config", file.path()}).starts_with("reachback: " + file.path() + ":3: port is 'eighty'"));
}

TEST_CASE("settings that contradict each other are refused where the one at fault was said") {
  CHECK(complaint({}, {{"REACHBACK_SILENCE_TIMEOUT", "5"}}).find("REACHBACK_SILENCE_TIMEOUT is not longer") !=
        std::string::npos);
  CHECK(complaint({"--cookie-key-file", "f"}, {{"REACHBACK_COOKIE_KEY", key}}).find("--cookie-key-file") !=
        std::string::npos);
  TemporaryFile const keys("cookie_key = '" + key + "'\ncookie_key_file = 'f'");
  CHECK(complaint({"--config", keys.path()}) ==
        fmt::format("reachback: {0}:2: cookie_key_file cannot be together with {0}:1: cookie_key: which one "
                    "counts?\n",
                    keys.path()));
  CHECK(complaint({"--password-file", "f"}, {{"REACHBACK_TEST", "1"}}).find("together with REACHBACK_TEST") !=
        std::string::npos);
  TemporaryFile const file(
      "[[endpoint]]\nname='a'\nkind='service'\n[[endpoint]]\nname='a'\nkind='service'\n");
  CHECK(complaint({"--config", file.path()}).find(":1: endpoint names 'a' twice") != std::string::npos);
}

TEST_CASE("no complaint repeats a secret") {
  CHECK(complaint({}, {{"REACHBACK_COOKIE_KEY", "hush"}}).find("hush") == std::string::npos);
  TemporaryFile const file("token = ['good', 'hush hush']");
  CHECK(complaint({"--config", file.path()}).find("hush") == std::string::npos);
}

TEST_CASE("variables that are no setting are named, with the one that was meant") {
  auto const lines = unknown_variables({"REACHBACK_CAL_TIMEOUT", "REACHBACK_PORT", "REACHBACK", "PATH",
                                        "REACHBACK_SERVER", "REACHBACK_COOKIE_KEY_FILE"});
  CHECK(lines == Texts{"the environment variable REACHBACK_CAL_TIMEOUT is no setting; is it "
                       "REACHBACK_CALL_TIMEOUT?"});
}

TEST_CASE("printed settings read back as they were") {
  Texts words;
  for (Setting const& setting : settings()) {
    bool const of_its_own = setting.name == "config" || setting.name == "test" || setting.secret;
    if (of_its_own || setting.name == "cookie-key-file") continue;
    auto const flags = flags_for(setting);
    words.insert(words.end(), flags.begin(), flags.end());
  }
  words.insert(words.end(), {"--cookie-key-file", "cookie\n\"key\\\x7f"});
  auto const before = serve(words);
  auto const after = serve_with_file(printed(words));
  for (Setting const& setting : settings()) {
    if (setting.name != "config") CHECK_MESSAGE(setting.show(before) == setting.show(after), setting.name);
  }
}

TEST_CASE("printed settings tell where they come from") {
  TemporaryFile const file("threads = 4");
  auto const text = printed({"--port", "1", "--config", file.path()}, {{"REACHBACK_TEST", "1"}});
  CHECK(text.find("\nport = 1  # --port\n") != std::string::npos);
  CHECK(text.find("\ntest = true  # REACHBACK_TEST\n") != std::string::npos);
  CHECK(text.find("\nthreads = 4  # " + file.path() + ":1: threads\n") != std::string::npos);
  CHECK(text.find("\ncall_timeout = \"60 s\"  # default\n") != std::string::npos);
}

TEST_CASE("printed settings show no secret, and the mask is no value when they are read back") {
  auto const text = printed({"--token", "hush1"}, {{"REACHBACK_COOKIE_KEY", "hush2" + key}});
  CHECK(text.find("hush") == std::string::npos);
  CHECK(text.find("# token = [\"***\"]  # --token\n") != std::string::npos);
  CHECK(text.find("# cookie_key = \"***\"  # REACHBACK_COOKIE_KEY\n") != std::string::npos);
  auto const after = serve_with_file(text);
  CHECK(after.tokens.empty());
  CHECK(after.config.cookie_key.empty());
}

TEST_CASE("the README's table of settings is the code's") {
  std::string expected;
  auto const cell = [](bool has, std::string const& text) { return has ? '`' + text + '`' : "-"; };
  for (Setting const& setting : settings()) {
    bool const is_switch = setting.form == Form::toggle;
    expected += fmt::format("| {} | `{}` | {} | `{}` | {} |\n",
                            cell(setting.has_flag, setting.flag() + (is_switch ? "" : ' ' + setting.value)),
                            setting.variable(), cell(setting.has_key, setting.key()), setting.default_text(),
                            setting.meaning);
  }
  std::ifstream file(REACHBACK_README);
  std::string line, found;
  while (std::getline(file, line) && line != "| flag | environment | file | default | meaning |") {}
  std::getline(file, line);
  while (std::getline(file, line) && line.starts_with('|')) found += line + '\n';
  bool const same = found == expected;
  CHECK_MESSAGE(same, expected);
}

TEST_CASE("the README's configuration file is a good one") {
  std::ifstream file(REACHBACK_README);
  std::string line, example;
  while (std::getline(file, line) && line.find("A whole `gateway.toml`") == std::string::npos) {}
  while (std::getline(file, line) && (line.empty() || line.starts_with("    "))) example += line + '\n';
  auto const command = serve_with_file(example);
  CHECK(command.config.timeouts.call == std::chrono::minutes(2));
  CHECK(command.config.endpoints.size() == 2);
  CHECK(command.config.tokens.size() == 1);
}

}  // namespace reachback::service
