#include "prepare.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "key_file.hpp"
#include "password_file.hpp"
#include "reachback/errors.hpp"
#include "text_file.hpp"
#include "values.hpp"

namespace reachback::service {

namespace {

std::vector<std::string> tokens_of_file(std::string const& path) {
  std::vector<std::string> tokens;
  std::string const text = read_text_file(path);
  for (auto const& [number, line] : lines_of(text)) {
    auto const token = read_token(line);
    if (!token) throw StartError(fmt::format("{}:{}: a token {}", path, number, token.error().text()));
    tokens.push_back(*token);
  }
  // Most likely a mistake, and without it nobody would come in.
  if (tokens.empty()) throw StartError(path + ": there is no token in it");
  return tokens;
}

void add_tokens(Config& config, std::vector<std::string> const& tokens, std::string const& name) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    config.tokens.push_back(known_token(fmt::format("{} {}", name, i + 1), tokens[i]));
}

}  // namespace

Config prepare(ServeCommand command, std::function<void(LogLevel, std::string_view)> log) {
  Config config = std::move(command.config);
  add_tokens(config, command.tokens, "token");
  if (!command.token_file.empty()) add_tokens(config, tokens_of_file(command.token_file), "token of file");
  if (!command.password_file.empty()) {
    // Shared by all copies of the function; the last of them ends it.
    auto const accounts = std::make_shared<PasswordFile>(command.password_file, log);
    config.check_password = [accounts](std::string_view user, std::string_view password) {
      return accounts->check(user, password);
    };
  }
  if (!command.jwt_keys_file.empty()) {
    config.jwt.keys = read_text_file(command.jwt_keys_file);
    // To the library this means that there are to be none.
    if (config.jwt.keys.empty()) throw StartError("the file of JWT keys is no JWK Set: it is empty");
  }
  std::error_code fault;  // for which the reading has the words
  bool const made_later =
      command.check_only && !std::filesystem::exists(command.cookie_key_file, fault) && !fault;
  if (!command.cookie_key_file.empty() && !made_later)
    config.cookie_key = read_key_file(command.cookie_key_file, log);
  config.log = std::move(log);
  check(config);
  // A gateway that starts says so itself.
  if (command.check_only) {
    for (auto const& warning : warnings(config)) config.log(LogLevel::warning, warning);
  }
  return config;
}

}  // namespace reachback::service
