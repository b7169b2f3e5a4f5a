#include "health_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flags.hpp"

namespace reachback::service {
namespace {

constexpr auto shortest = std::chrono::milliseconds(1);
constexpr auto longest = std::chrono::hours(1);

Read<std::string> read_path(std::string_view text) {
  bool const clean = std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < '\x7f'; });
  if (!clean || !text.starts_with('/'))
    return Complaint::of(fmt::format("is '{}': it begins with a slash", text));
  return std::string(text);
}

/// The gateway of this machine, where `serve` is told its port by the same variable.
std::uint16_t port_from(Environment const& environment, std::uint16_t otherwise) {
  auto const text = environment("REACHBACK_PORT");
  if (!text) return otherwise;
  auto const port = read_number(*text, 1, 65535);
  if (!port) throw nonsense("REACHBACK_PORT", port.error().text());
  return static_cast<std::uint16_t>(*port);
}

}  // namespace

void add_health_flags(CLI::App& health, HealthFlags& flags) {
  ProbeConfig& config = flags.command.config;
  health.footer(
      "Without --server it asks 127.0.0.1 at the port that REACHBACK_PORT names, by TLS where "
      "REACHBACK_TLS_CERTIFICATE is set, and then whatever certificate is shown unless --ca-file is given. "
      "Exit code 0 when the answer "
      "is 200, "
      "1 when it is another or none, 2 when a flag makes no sense. REACHBACK_CA_FILE, "
      "REACHBACK_CERTIFICATE and REACHBACK_KEY stand in for --ca-file, --certificate and --key.");
  add_server_flags(health, flags.server, fmt::format("{}:{}", config.host, config.port));
  add_flag(health, "--path", "PATH", config.path, read_path,
           fmt::format("What is asked for [{}]", config.path));
  add_flag(
      health, "--timeout", "SECONDS", config.timeout,
      [](std::string_view text) { return read_seconds(text, shortest, longest); },
      fmt::format("For the answer to come [{}]", seconds_text(config.timeout)));
}

HealthCommand finish(HealthFlags flags, Environment const& environment) {
  ProbeConfig& config = flags.command.config;
  ServerUrl server{config.host, 0, false};
  if (flags.server.server) {
    server = *flags.server.server;
  } else {
    server.port = port_from(environment, config.port);
    server.tls = environment("REACHBACK_TLS_CERTIFICATE").has_value();
    // Its name may be any, and it may have been renewed a moment ago: neither makes the gateway ill.
    config.checked = !flags.server.ca_file.empty() || !server.tls;
  }
  config.host = server.host;
  config.port = server.port;
  config.tls = server.tls;
  auto files = files_for(server, flags.server, environment);
  config.ca_file = std::move(files.ca_file);
  config.certificate_file = std::move(files.certificate);
  config.key_file = std::move(files.key);
  return std::move(flags.command);
}

}  // namespace reachback::service
