#include "options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "attach_flags.hpp"
#include "flags.hpp"
#include "health_flags.hpp"
#include "values.hpp"

namespace reachback::service {

namespace {

constexpr std::uint64_t most_threads = 256;
constexpr int usage_error = 2;

using Texts = std::vector<std::string>;

/// What `serve` was given, before the parts that depend on each other are put together.
struct ServeFlags {
  ServeCommand command;
  std::string host;
  Texts endpoints, tokens, origins;
};

/// A flag that may be given several times, each time with one value.
void add_repeatable(CLI::App& app, std::string const& flag, std::string const& value_name, Texts& values,
                    std::string const& help) {
  app.add_option(flag, values, help)->type_name(value_name)->allow_extra_args(false);
}

template <class Reader>
auto read_all(std::string const& flag, Texts const& texts, Reader read) {
  std::vector<typename decltype(read(std::string_view()))::value_type> values;
  for (std::string const& text : texts) {
    auto value = read(text);
    if (!value) throw nonsense(flag, value.error().text());
    values.push_back(*std::move(value));
  }
  return values;
}

auto number_reader(std::uint64_t least, std::uint64_t most) {
  return [least, most](std::string_view text) { return read_number(text, least, most); };
}

std::string list_of(std::vector<EndpointConfig> const& endpoints) {
  std::string list;
  for (auto const& endpoint : endpoints) {
    char const* const kind = endpoint.kind == EndpointKind::service ? "service" : "broadcast";
    list += fmt::format("{}{}={}", list.empty() ? "" : ", ", endpoint.name, kind);
  }
  return list;
}

void add_log_level(CLI::App& app, LogLevel& level) {
  add_flag(app, "--log-level", "LEVEL", level, read_level,
           "Least level of what is logged to stderr: debug, info, warning or error [info]");
}

void add_serve_flags(CLI::App& serve, ServeFlags& flags) {
  Config& config = flags.command.config;
  serve.footer(
      "Sizes take the suffixes KiB, MiB and GiB. SIGTERM and SIGINT end the gateway in order (SIGINT without "
      "the drain "
      "wait), a second signal ends it at once.");
  serve.option_defaults()->group("Serving");
  serve.add_flag(
      "--test", config.test_mode,
      "Test mode: account test/test and token \"test\" are valid, binds to 127.0.0.1, no drain wait");
  serve.add_option("--host", flags.host, fmt::format("Address to listen on [{}]", config.address))
      ->type_name("ADDRESS");
  add_flag(serve, "--port", "N", config.port, number_reader(0, 65535),
           fmt::format("Port to listen on; 0: one that is free [{}]", config.port));
  add_flag(serve, "--threads", "N", config.threads, number_reader(1, most_threads),
           fmt::format("Threads; one carries some 30,000 calls per second [{}]", config.threads));
  add_repeatable(serve, "--endpoint", "NAME=KIND[:REASON]", flags.endpoints,
                 fmt::format("An endpoint of kind service, broadcast or reject; repeatable [{}]",
                             list_of(config.endpoints)));
  add_repeatable(serve, "--token", "TOKEN", flags.tokens,
                 "A bearer token that is valid for everything; repeatable; other users of the machine can "
                 "see it [none]");
  add_repeatable(serve, "--allow-origin", "ORIGIN", flags.origins,
                 "An origin whose web pages may call, such as https://lab.example; repeatable [none]");
  add_log_level(serve, flags.command.log_level);
  serve.option_defaults()->group("Limits");
  add_limit_flags(serve, config.limits);
  serve.option_defaults()->group("Timeouts");
  add_timeout_flags(serve, config.timeouts);
}

void check_names(std::vector<EndpointConfig> const& endpoints) {
  std::set<std::string_view> names;
  for (auto const& endpoint : endpoints) {
    if (!names.insert(endpoint.name).second)
      throw nonsense("--endpoint", fmt::format("names '{}' twice", endpoint.name));
  }
}

ServeCommand finish(CLI::App const& serve, ServeFlags flags) {
  Config& config = flags.command.config;
  if (serve.count("--host") != 0 && flags.host.empty()) throw nonsense("--host", "is empty");
  if (serve.count("--host") != 0) {
    config.address = flags.host;
  } else if (config.test_mode) {
    config.address = "127.0.0.1";
  }
  if (config.test_mode && serve.count("--drain-wait") == 0) config.timeouts.drain_wait = Config::Duration(0);
  if (!flags.endpoints.empty()) config.endpoints = read_all("--endpoint", flags.endpoints, read_endpoint);
  check_names(config.endpoints);
  for (std::string const& token : read_all("--token", flags.tokens, read_token))
    config.tokens.push_back(known_token(fmt::format("token {}", config.tokens.size() + 1), token));
  config.allowed_origins = read_all("--allow-origin", flags.origins, read_origin);
  if (config.timeouts.silence <= config.timeouts.ping)
    throw nonsense("--silence-timeout", "is not longer than --ping-interval: idle connections would be cut");
  return std::move(flags.command);
}

}  // namespace

Command parse_command_line(int argc, char const* const* argv, Environment const& environment) {
  CLI::App app("Reaches services that dial in: they connect by WebSocket, callers ask them over HTTP.",
               "reachback");
  app.set_version_flag("--version", "reachback " REACHBACK_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.get_formatter()->column_width(42);
  ServeFlags serve_flags;
  AttachFlags attach_flags;
  HealthFlags health_flags;
  auto* const serve = app.add_subcommand("serve", "Run the gateway");
  auto* const attach =
      app.add_subcommand("attach", "Be a remote service that answers with the files of a directory");
  auto* const health =
      app.add_subcommand("health", "Ask a gateway whether it is ready; exit code 0 when it is");
  add_serve_flags(*serve, serve_flags);
  add_attach_flags(*attach, attach_flags);
  add_health_flags(*health, health_flags);
  try {
    app.parse(argc, argv);
    if (serve->parsed()) return finish(*serve, std::move(serve_flags));
    if (health->parsed()) return finish(std::move(health_flags), environment);
    return finish(std::move(attach_flags), environment);
  } catch (CLI::CallForHelp const&) {
    return Notice{app.help(), 0};
  } catch (CLI::CallForVersion const& version) {
    return Notice{std::string(version.what()) + '\n', 0};
  } catch (CLI::ParseError const& error) {
    return Notice{"reachback: " + one_line(error.what()) + '\n', usage_error};
  }
}

std::string one_line(std::string text) {
  auto const is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  std::ranges::replace_if(text, is_control, ' ');
  return text;
}

}  // namespace reachback::service
