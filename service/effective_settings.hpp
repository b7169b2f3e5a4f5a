#pragma once

#include "layer.hpp"

namespace reachback::service {

/// What counts: `flags` over `environment` over the file that either of them names, and what test mode
/// implies where all are silent. Throws StartError.
[[nodiscard]] Layer effective_settings(Layer flags, Layer environment);

/// Throws StartError when a value makes no sense, alone or with another.
[[nodiscard]] ServeCommand read_command(Layer const& effective);

}  // namespace reachback::service
