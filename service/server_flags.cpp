#include "server_flags.hpp"

#include <fmt/format.h>

#include "flags.hpp"

namespace reachback::service {

void add_server_flags(CLI::App& app, ServerFlags& flags, std::string const& standard) {
  add_flag(app, "--server", "URL", flags.server, read_server_url,
           fmt::format("The gateway: HOST:PORT, http://HOST[:PORT] or https://HOST[:PORT] [{}]", standard));
  app.add_option("--ca-file", flags.ca_file,
                 "PEM file of the certificates that are trusted with https [those of the system]")
      ->type_name("FILE");
}

std::string ca_file_for(ServerUrl const& server, ServerFlags const& flags, Environment const& environment) {
  // Whoever names certificates believes that they are asked for.
  if (!server.tls && !flags.ca_file.empty()) throw nonsense("--ca-file", "needs a --server with https://");
  if (!server.tls) return {};
  return flags.ca_file.empty() ? environment("REACHBACK_CA_FILE").value_or("") : flags.ca_file;
}

}  // namespace reachback::service
