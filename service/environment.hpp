#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layer.hpp"

namespace reachback::service {

/// Gives the value of an environment variable, if it is set. An empty one counts as not set.
using Environment = std::function<std::optional<std::string>(std::string const& name)>;

/// What the environment says. Several values of one setting stand between commas or, where values may contain
/// them, white space.
[[nodiscard]] Layer environment_layer(Environment const& environment);

/// A line for each of `names` that begins as the settings' variables do and is nobody's.
[[nodiscard]] std::vector<std::string> unknown_variables(std::vector<std::string> const& names);

}  // namespace reachback::service
