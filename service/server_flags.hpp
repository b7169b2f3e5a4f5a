#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "options.hpp"
#include "server_url.hpp"

namespace reachback::service {

/// Which gateway `attach` and `health` were told to go to.
struct ServerFlags {
  std::optional<ServerUrl> server;
  std::string ca_file;
  std::string certificate, key;
};

/// The files for TLS with the server that was chosen, each empty where there is none.
struct ClientFiles {
  std::string ca_file, certificate, key;
};

/// `standard`: what counts without the flag, for the help.
void add_server_flags(CLI::App& app, ServerFlags& flags, std::string const& standard);
/// None for a plain server. Without the flags they are those of REACHBACK_CA_FILE, REACHBACK_CERTIFICATE and
/// REACHBACK_KEY. Throws what `nonsense` makes when a flag is given for a plain server, or half a pair.
[[nodiscard]] ClientFiles files_for(ServerUrl const& server, ServerFlags const& flags,
                                    Environment const& environment);

}  // namespace reachback::service
