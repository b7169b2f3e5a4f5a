#pragma once

#include <CLI/CLI.hpp>

#include "layer.hpp"
#include "options.hpp"

namespace reachback::service {

/// What `serve` was given on the command line.
struct ServeFlags {
  Layer layer;
  bool check_config = false;
  bool print_config = false;
};

void add_serve_flags(CLI::App& serve, ServeFlags& flags);
/// Completes the command line from the environment and the configuration file; a Notice with the settings if
/// it asks for them. Throws StartError.
[[nodiscard]] Command finish(ServeFlags flags, Environment const& environment);

}  // namespace reachback::service
