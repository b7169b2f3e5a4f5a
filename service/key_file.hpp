#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::service {

/// The key that signs log-in cookies: what the file holds without a line break at its end, at least 32 bytes.
/// Where there is no file, one is made that its owner alone may read; of several replicas that do so at once,
/// all end with the same. A file that others may read is logged as a warning: secrets that are mounted into
/// containers often are so. Throws StartError, one line that names the file.
[[nodiscard]] std::string read_key_file(std::string const& path,
                                        std::function<void(LogLevel, std::string_view)> const& log);

}  // namespace reachback::service
