#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "options.hpp"
#include "server_flags.hpp"

namespace reachback::service {

/// What `attach` was given on the command line.
struct AttachFlags {
  AttachCommand command;
  ServerFlags server;
  std::string user, password, token, token_file;
  bool test = false;
};

void add_attach_flags(CLI::App& attach, AttachFlags& flags);
/// Completes the command line from the environment. Throws what `nonsense` makes.
[[nodiscard]] AttachCommand finish(AttachFlags flags, Environment const& environment);

}  // namespace reachback::service
