#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reachback::service {

/// `reachback hash-password`
struct HashPasswordCommand {
  std::string user;  ///< empty: the hash alone is printed
  unsigned cost = 12;
};

/// `reachback token new`
struct NewTokenCommand {
  std::string name = "token";
  std::vector<std::string> scopes;  ///< empty: all
};

/// Adds the subcommand. What is parsed goes into `command`, which lives as long as the parsing.
CLI::App* add_hash_password(CLI::App& app, HashPasswordCommand& command);
/// Adds `token` with its subcommand `new`, which is returned.
CLI::App* add_new_token(CLI::App& app, NewTokenCommand& command);

/// Asks for a password, on the terminal twice and without echo, else as one line of stdin, and prints the
/// password file's line. The exit code. Throws StartError, one line, when there is no good password.
[[nodiscard]] int run(HashPasswordCommand const& command);
/// Prints a new token to stderr, and to stdout what the configuration file needs to know of it. The exit
/// code. Throws StartError when a scope is none.
[[nodiscard]] int run(NewTokenCommand const& command);

}  // namespace reachback::service
