#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"
#include "server_flags.hpp"

namespace reachback::service {

/// What `health` was given on the command line.
struct HealthFlags {
  HealthCommand command;
  ServerFlags server;
};

void add_health_flags(CLI::App& health, HealthFlags& flags);
/// Completes the command line from the environment. Throws what `nonsense` makes.
[[nodiscard]] HealthCommand finish(HealthFlags flags, Environment const& environment);

}  // namespace reachback::service
