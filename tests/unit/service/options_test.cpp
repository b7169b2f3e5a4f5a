#include "options.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace reachback::service {

namespace {

using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

Command parse(Words const& words, Variables const& variables = {}) {
  std::vector<char const*> argv = {"reachback"};
  for (auto const& word : words) argv.push_back(word.c_str());
  auto const environment = [&variables](std::string const& name) {
    auto const found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return parse_command_line(static_cast<int>(argv.size()), argv.data(), environment);
}

ServeCommand serve_command(Words flags, Variables const& variables = {}) {
  flags.insert(flags.begin(), "serve");
  auto command = parse(flags, variables);
  REQUIRE(std::holds_alternative<ServeCommand>(command));
  return std::get<ServeCommand>(command);
}

Config serve_config(Words const& flags) { return serve_command(flags).config; }

AttachOptions attach_options(Words const& flags, Variables const& variables = {}) {
  Words words = {"attach", "wsData", "--files", std::filesystem::temp_directory_path().string()};
  words.insert(words.end(), flags.begin(), flags.end());
  auto command = parse(words, variables);
  REQUIRE(std::holds_alternative<AttachCommand>(command));
  return std::get<AttachCommand>(command).options;
}

Notice notice_of(Words const& words, Variables const& variables = {}) {
  auto command = parse(words, variables);
  REQUIRE(std::holds_alternative<Notice>(command));
  return std::get<Notice>(command);
}

/// One line, for stderr, exit code 2, and it names the flag.
void check_refused(Words words, std::string const& flag) {
  words.insert(words.begin(), "serve");
  auto const notice = notice_of(words);
  CHECK(notice.exit_code == 2);
  CHECK_MESSAGE(notice.text.find(flag) != std::string::npos, notice.text);
  CHECK(notice.text.find('\n') == notice.text.size() - 1);
}

bool same(EndpointConfig const& a, EndpointConfig const& b) {
  return a.name == b.name && a.kind == b.kind && a.reject_reason == b.reject_reason;
}

struct LimitCase {
  char const* flag;
  std::size_t Config::Limits::* setting;
};

struct TimeoutCase {
  char const* flag;
  Config::Duration Config::Timeouts::* setting;
};

using Limits = Config::Limits;
using Timeouts = Config::Timeouts;

constexpr LimitCase limit_cases[] = {
    {"--connection-limit", &Limits::connections},
    {"--connection-reserve", &Limits::connection_reserve},
    {"--address-connection-limit", &Limits::address_connections},
    {"--endpoint-connection-limit", &Limits::endpoint_connections},
    {"--handshake-rate", &Limits::handshake_rate},
    {"--event-stream-limit", &Limits::event_streams},
    {"--message-limit", &Limits::message},
    {"--request-limit", &Limits::request},
    {"--head-limit", &Limits::head},
    {"--part-limit", &Limits::part},
    {"--call-limit", &Limits::calls},
    {"--connection-call-limit", &Limits::connection_calls},
    {"--call-budget", &Limits::call_budget},
    {"--total-part-budget", &Limits::parts_budget},
    {"--outbox-limit", &Limits::outbox},
    {"--total-outbox-budget", &Limits::outboxes_budget},
    {"--receive-budget", &Limits::receive_budget},
    {"--body-budget", &Limits::body_budget},
    {"--subscriber-limit", &Limits::subscriber},
    {"--login-limit", &Limits::logins},
};

constexpr TimeoutCase timeout_cases[] = {
    {"--call-timeout", &Timeouts::call},     {"--longest-call", &Timeouts::longest_call},
    {"--head-timeout", &Timeouts::head},     {"--body-timeout", &Timeouts::body},
    {"--write-timeout", &Timeouts::write},   {"--idle-timeout", &Timeouts::idle},
    {"--ping-interval", &Timeouts::ping},    {"--silence-timeout", &Timeouts::silence},
    {"--close-timeout", &Timeouts::close},   {"--login-pause", &Timeouts::login_pause},
    {"--drain-wait", &Timeouts::drain_wait}, {"--drain-grace", &Timeouts::drain_grace},
};

std::set<std::string> const may_be_zero = {"--connection-limit",         "--connection-reserve",
                                           "--address-connection-limit", "--endpoint-connection-limit",
                                           "--handshake-rate",           "--connection-call-limit"};

/// Some of the time-outs must be longer than others.
std::string long_enough(std::string const& flag) {
  if (flag == "--silence-timeout") return "33.5";
  return flag == "--longest-call" ? "63.5" : "3.5";
}

void check_settings_differ_only_in(Config const& config, std::string const& flag) {
  Config const defaults;
  for (auto const& limit : limit_cases) {
    bool const same_value = config.limits.*limit.setting == defaults.limits.*limit.setting;
    CHECK_MESSAGE(same_value == (limit.flag != flag), flag, " and ", limit.flag);
  }
  for (auto const& timeout : timeout_cases) {
    bool const same_value = config.timeouts.*timeout.setting == defaults.timeouts.*timeout.setting;
    CHECK_MESSAGE(same_value == (timeout.flag != flag), flag, " and ", timeout.flag);
  }
}

}  // namespace

TEST_CASE("without flags the configuration is the library's default") {
  Config const config = serve_config({});
  Config const defaults;
  CHECK(config.address == defaults.address);
  CHECK(config.port == defaults.port);
  CHECK(config.threads == defaults.threads);
  CHECK(config.test_mode == defaults.test_mode);
  CHECK(config.tokens.empty());
  CHECK(config.allowed_origins.empty());
  CHECK(std::ranges::equal(config.endpoints, defaults.endpoints, same));
  check_settings_differ_only_in(config, "");
}

TEST_CASE("each limit has a flag that sets it and nothing else") {
  for (auto const& limit : limit_cases) {
    Config const config = serve_config({limit.flag, "12345"});
    CHECK(config.limits.*limit.setting == 12345);
    check_settings_differ_only_in(config, limit.flag);
  }
}

TEST_CASE("each timeout has a flag that sets it and nothing else") {
  for (auto const& timeout : timeout_cases) {
    Config const config = serve_config({timeout.flag, long_enough(timeout.flag)});
    CHECK((config.timeouts.*timeout.setting).count() % 30'000 == 3500);
    check_settings_differ_only_in(config, timeout.flag);
  }
}

TEST_CASE("every limit refuses what is no size, and zero where it makes no sense") {
  for (auto const& limit : limit_cases) {
    check_refused({limit.flag, "-1"}, limit.flag);
    check_refused({limit.flag, "many"}, limit.flag);
    check_refused({limit.flag}, limit.flag);
    bool const zero_makes_sense = may_be_zero.contains(limit.flag);
    if (!zero_makes_sense) check_refused({limit.flag, "0"}, limit.flag);
  }
  CHECK(serve_config({"--connection-limit", "0", "--connection-reserve", "0"}).limits.connection_reserve ==
        0);
}

TEST_CASE("every timeout refuses what is no time, and zero where it makes no sense") {
  for (auto const& timeout : timeout_cases) {
    check_refused({timeout.flag, "-1"}, timeout.flag);
    check_refused({timeout.flag, "soon"}, timeout.flag);
    std::string const flag = timeout.flag;
    bool const zero_makes_sense = flag.starts_with("--drain-") || flag == "--login-pause";
    if (!zero_makes_sense) check_refused({timeout.flag, "0"}, timeout.flag);
  }
  CHECK(serve_config({"--drain-wait", "0", "--drain-grace", "0"}).timeouts.drain_grace.count() == 0);
}

TEST_CASE("test mode stays on the machine and does not wait before it drains") {
  Config const config = serve_config({"--test"});
  CHECK(config.test_mode);
  CHECK(config.address == "127.0.0.1");
  CHECK(config.timeouts.drain_wait.count() == 0);
  Config const told = serve_config({"--test", "--host", "0.0.0.0", "--drain-wait", "2"});
  CHECK(told.address == "0.0.0.0");
  CHECK(told.timeouts.drain_wait == std::chrono::seconds(2));
}

TEST_CASE("endpoints on the command line replace the default set") {
  auto const endpoints =
      serve_config({"--endpoint", "b=reject:closed for now", "--endpoint", "a=service"}).endpoints;
  REQUIRE(endpoints.size() == 2);
  CHECK(same(endpoints[0], {"b", EndpointKind::reject, "closed for now"}));
  CHECK(same(endpoints[1], {"a", EndpointKind::service, {}}));
}

TEST_CASE("tokens and origins may be given several times") {
  ServeCommand const command =
      serve_command({"--token", "one", "--token=two", "--allow-origin", "https://lab.example",
                     "--allow-origin", "http://other.example:8080"});
  CHECK(command.tokens == Words{"one", "two"});
  CHECK(command.config.allowed_origins ==
        std::vector<std::string>{"https://lab.example", "http://other.example:8080"});
}

TEST_CASE("address, port and threads are taken") {
  Config const config = serve_config({"--host", "::1", "--port", "0", "--threads", "256"});
  CHECK(config.address == "::1");
  CHECK(config.port == 0);
  CHECK(config.threads == 256);
}

TEST_CASE("the log level is taken") {
  CHECK(std::get<ServeCommand>(parse({"serve"})).log_level == LogLevel::info);
  CHECK(std::get<ServeCommand>(parse({"serve", "--log-level", "debug"})).log_level == LogLevel::debug);
}

TEST_CASE("nonsense is refused in one line that names the flag") {
  check_refused({"--port", "65536"}, "--port");
  check_refused({"--port", "1", "--port", "2"}, "--port");
  check_refused({"--threads", "0"}, "--threads");
  check_refused({"--threads", "257"}, "--threads");
  check_refused({"--host", ""}, "--host");
  check_refused({"--endpoint", "wsData=carrier\npigeon"}, "--endpoint");
  check_refused({"--endpoint", "e=reject:" + std::string(124, 'r')}, "--endpoint");
  check_refused({"--endpoint", "twice=service", "--endpoint", "twice=broadcast"}, "--endpoint");
  check_refused({"--token", "two words"}, "--token");
  check_refused({"--allow-origin", "*"}, "--allow-origin");
  check_refused({"--log-level", "loud"}, "--log-level");
  check_refused({"--ping-interval", "40"}, "--silence-timeout");
  check_refused({"--call-timeout", "3601"}, "--call-timeout");
  check_refused({"--longest-call", "59"}, "--longest-call");
  check_refused({"--test", "--password-file", "accounts"}, "--password-file");
  check_refused({"--token-hash", "lab:abc:*"}, "--token-hash");
  check_refused({"--trusted-proxy", "10.0.0.0/99"}, "--trusted-proxy");
  check_refused({"--cookie-key", "visible in ps"}, "--cookie-key");
  check_refused({"--bogus"}, "--bogus");
}

TEST_CASE("a refused token is not repeated") {
  CHECK(notice_of({"serve", "--token", "my secret"}).text.find("secret") == std::string::npos);
}

TEST_CASE("a flag that there is not is named, and what else is too much is not repeated") {
  for (Words const& words : {Words{"serve", "--cookie-key", "hush"}, Words{"serve", "--cookie-key=hush"}})
    CHECK(notice_of(words).text == "reachback: there is no flag --cookie-key\n");
  CHECK(notice_of({"serve", "hush"}).text == "reachback: there is an argument too many\n");
}

TEST_CASE("a program without a command is refused") {
  CHECK(notice_of({}).exit_code == 2);
  CHECK(notice_of({"dance"}).exit_code == 2);
}

TEST_CASE("help and version are given on stdout") {
  CHECK(notice_of({"--help"}).exit_code == 0);
  CHECK(notice_of({"--version"}).text == "reachback " REACHBACK_VERSION "\n");
  auto const help = notice_of({"serve", "--help"}).text;
  for (auto const& limit : limit_cases) CHECK(help.find(limit.flag) != std::string::npos);
  for (auto const& timeout : timeout_cases) CHECK(help.find(timeout.flag) != std::string::npos);
  CHECK(help.find("[16 MiB]") != std::string::npos);
  CHECK(help.find("[60 s]") != std::string::npos);
}

TEST_CASE("attach takes its flags") {
  auto const options = attach_options({"--test", "--server", "lab.example:99", "--workers", "9"});
  CHECK(options.endpoint == "wsData");
  CHECK(options.files == std::filesystem::temp_directory_path().string());
  CHECK(options.host == "lab.example");
  CHECK(options.port == 99);
  CHECK(options.workers == 9);
  CHECK(options.user == "test");
  CHECK(options.password == "test");
  CHECK(options.token.empty());
}

TEST_CASE("attach goes to the default address with the default number of workers") {
  auto const options = attach_options({"--token", "t"});
  AttachOptions const defaults;
  CHECK(options.host == defaults.host);
  CHECK(options.port == defaults.port);
  CHECK(options.workers == defaults.workers);
}

TEST_CASE("attach takes secrets from the environment, and the command line wins") {
  Variables const both = {{"REACHBACK_PASSWORD", "from there"}, {"REACHBACK_TOKEN", "token-from-there"}};
  CHECK(attach_options({"--user", "ada"}, both).password == "from there");
  CHECK(attach_options({"--user", "ada"}, both).token.empty());
  CHECK(attach_options({"--user", "ada", "--password", "here"}, both).password == "here");
  CHECK(attach_options({}, both).token == "token-from-there");
  CHECK(attach_options({"--token", "here"}, both).token == "here");
  CHECK(attach_options({"--test"}, both).token.empty());
}

TEST_CASE("attach without endpoint, directory or credential is refused") {
  auto const directory = std::filesystem::temp_directory_path().string();
  CHECK(notice_of({"attach", "--files", directory, "--test"}).text.find("ENDPOINT") != std::string::npos);
  CHECK(notice_of({"attach", "wsData", "--test"}).text.find("--files") != std::string::npos);
  CHECK(notice_of({"attach", "wsData", "--files", directory}).text.find("--token") != std::string::npos);
  CHECK(notice_of({"attach", "wsData", "--files", directory, "--user", "ada"}).text.find("--password") !=
        std::string::npos);
  CHECK(notice_of({"attach", "wsData", "--files", directory, "--test", "--token", "t"}).exit_code == 2);
  CHECK(notice_of({"attach", "wsData", "--files", directory, "--test", "--server", "x"})
            .text.find("--server") != std::string::npos);
  CHECK(notice_of({"attach", "wsData", "--files", directory}, {{"REACHBACK_TOKEN", "two words"}}).exit_code ==
        2);
}

}  // namespace reachback::service
