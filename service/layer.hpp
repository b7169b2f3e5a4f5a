#pragma once

#include <map>
#include <string>
#include <vector>

#include "setting.hpp"

namespace reachback::service {

/// A value, and where it was said: "--port", "REACHBACK_PORT", "gateway.toml:12: port".
struct Word {
  std::string where;
  std::string text;
};

/// What one setting was given; an empty list is a value too.
struct Said {
  std::string where;
  std::vector<Word> words;
};

/// The settings that one place speaks of: the command line, the environment, a file.
using Layer = std::map<Setting const*, Said>;

}  // namespace reachback::service
