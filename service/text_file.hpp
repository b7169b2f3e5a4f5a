#pragma once

#include <string>

namespace reachback::service {

/// The whole file. Throws StartError, one line with the path and the system's reason, when it cannot be read
/// or is no regular file.
[[nodiscard]] std::string read_text_file(std::string const& path);

}  // namespace reachback::service
