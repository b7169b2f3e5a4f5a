#pragma once

#include <string>
#include <vector>

#include "reachback/config.hpp"

namespace reachback::service {

/// `reachback serve ...`: what its settings say. `prepare` makes the configuration complete.
struct ServeCommand {
  Config config;  ///< but for `log` and what the files below hold
  LogLevel log_level = LogLevel::info;
  std::string config_file;          ///< empty: none, as with the other files
  std::string password_file;        ///< the accounts
  std::string cookie_key_file;      ///< made when it is absent
  std::string token_file;           ///< one token a line
  std::string jwt_keys_file;        ///< a JWK Set
  std::vector<std::string> tokens;  ///< in clear, good for everything
  bool check_only = false;          ///< `--check-config`
};

}  // namespace reachback::service
