#pragma once

#include <string>

#include "reachback/config.hpp"

namespace reachback::service {

/// Runs a gateway until a signal ends it, on the thread that is the program's only one: SIGTERM drains it in
/// order, SIGINT does so without the wait at first, a second signal ends it now. Returns the exit code: 0, or
/// 1 after a second signal. What `jwt_keys_file` holds is in the configuration; while it runs, changes of the
/// file count within a second. Throws StartError when the gateway cannot start.
[[nodiscard]] int serve(Config config, std::string const& jwt_keys_file);

}  // namespace reachback::service
