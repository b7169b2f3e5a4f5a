#pragma once

#include "reachback/probe.hpp"

namespace reachback::service {

/// `reachback health`: asks once. The process's exit code: 0 when the answer was 200, else 1, with one line
/// on stderr that says what was wrong. Throws StartError when the configuration makes no sense.
[[nodiscard]] int health(ProbeConfig const& config);

}  // namespace reachback::service
