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
};

/// `standard`: what counts without the flag, for the help.
void add_server_flags(CLI::App& app, ServerFlags& flags, std::string const& standard);
/// The CA file for the server that was chosen; empty for a plain one. Without the flag it is
/// REACHBACK_CA_FILE's. Throws what `nonsense` makes when the flag is given for a plain server.
[[nodiscard]] std::string ca_file_for(ServerUrl const& server, ServerFlags const& flags,
                                      Environment const& environment);

}  // namespace reachback::service
