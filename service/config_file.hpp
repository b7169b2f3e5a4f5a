#pragma once

#include <string>

#include "layer.hpp"

namespace reachback::service {

/// What the TOML file says. Throws StartError with file and line when it cannot be read, is no TOML, has
/// a key that is no setting, or a value of the wrong type.
[[nodiscard]] Layer read_config_file(std::string const& path);

}  // namespace reachback::service
