#pragma once

#include <string>

namespace reachback::service {

/// Asks on the terminal, without showing what is typed. A signal ends the process as it would at any other
/// time, with the terminal as it was. Throws StartError when the terminal's input ends. Not beside other
/// threads.
[[nodiscard]] std::string read_hidden(std::string const& prompt);

}  // namespace reachback::service
