#pragma once

#include <string>

#include "layer.hpp"

namespace reachback::service {

/// The command's settings as a configuration file, each with where it comes from. Secrets are masked, and in
/// a comment, so that the mask is no value.
[[nodiscard]] std::string print_config(ServeCommand const& command, Layer const& effective);

}  // namespace reachback::service
