#include "account_commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string_view>

#include "bcrypt.hpp"
#include "flags.hpp"
#include "hidden_input.hpp"
#include "reachback/config.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/json_text.hpp"
#include "reachback/proto/utf8.hpp"
#include "reachback/token.hpp"
#include "text_file.hpp"
#include "values.hpp"

namespace reachback::service {
namespace {

Read<std::string> read_plain(std::string_view text) {
  auto const is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  if (text.empty()) return Complaint::of("is empty");
  if (!proto::is_valid_utf8(text) || std::ranges::any_of(text, is_control))
    return Complaint::of("is no plain text");
  return std::string(text);
}

Read<std::string> read_user(std::string_view text) {
  auto plain = read_plain(text);
  if (!plain) return plain;
  if (text.find(',') != std::string_view::npos || text.front() == '#')
    return Complaint::of("has a comma or begins with #: the password file has other uses for them");
  if (text.front() == ' ' || text.back() == ' ') return Complaint::of("has a blank at its beginning or end");
  return plain;
}

Read<std::string> read_token_name(std::string_view text) {
  if (text.find(':') != std::string_view::npos)
    return Complaint::of("has a colon, which ends the name in --token-hash");
  return read_plain(text);
}

std::string ask_twice() {
  std::string password = read_hidden("Password: ");
  if (read_hidden("Again: ") != password) throw StartError("the two are not the same");
  return password;
}

std::string line_of_stdin() {
  std::string line;
  std::getline(std::cin, line);
  return without_line_break(line);
}

void check_password_text(std::string const& password) {
  if (password.empty()) throw StartError("the password is empty");
  if (password.find('\0') != std::string::npos) throw StartError("the password contains a NUL");
  if (password.size() > bcrypt_password_limit)
    throw StartError(
        fmt::format("the password has more than the {} bytes that bcrypt reads", bcrypt_password_limit));
}

std::string toml_text(std::string_view text) { return '"' + proto::escape(text) + '"'; }

std::string toml_list(std::vector<std::string> const& texts) {
  std::string list;
  for (auto const& text : texts) list += (list.empty() ? "" : ", ") + toml_text(text);
  return '[' + list + ']';
}

}  // namespace

CLI::App* add_hash_password(CLI::App& app, HashPasswordCommand& command) {
  constexpr std::uint64_t least_cost = 4, most_cost = 16;
  auto* const hash =
      app.add_subcommand("hash-password", "Print the bcrypt hash of a password for the password file");
  add_flag(*hash, "--user", "NAME", command.user, read_user, "Print a whole line of the file, for this user");
  auto const read_cost = [](std::string_view text) { return read_number(text, least_cost, most_cost); };
  add_flag(*hash, "--cost", "N", command.cost, read_cost,
           fmt::format("From 4 to 16; each step up doubles the time of a check [{}]", command.cost));
  hash->footer("Asks for the password; reads one line when stdin is no terminal.");
  return hash;
}

CLI::App* add_new_token(CLI::App& app, NewTokenCommand& command) {
  auto* const token = app.add_subcommand("token", "Bearer tokens");
  token->require_subcommand(1);
  auto* const make = token->add_subcommand(
      "new", "Print a new token, and the lines of the configuration file that let it in");
  add_flag(*make, "--name", "NAME", command.name, read_token_name,
           fmt::format("Who carries it, for logs and lists [{}]", command.name));
  make->add_option("--scope", command.scopes,
                   "What it is good for: serve:ENDPOINT, call:ENDPOINT, send:ENDPOINT, watch:ENDPOINT (* for "
                   "any endpoint), admin, or * for all; repeatable [*]")
      ->type_name("SCOPE")
      ->allow_extra_args(false);
  return make;
}

int run(HashPasswordCommand const& command) {
  std::string const password = ::isatty(STDIN_FILENO) == 1 ? ask_twice() : line_of_stdin();
  check_password_text(password);
  std::string const hash = new_bcrypt_hash(password, command.cost);
  fmt::print("{}{}{}\n", command.user, command.user.empty() ? "" : ",", hash);
  return 0;
}

int run(NewTokenCommand const& command) {
  std::string const token = new_token();
  Config config;
  config.tokens = {known_token(command.name, token,
                               command.scopes.empty() ? std::vector<std::string>{"*"} : command.scopes)};
  check(config);
  TokenConfig const& known = config.tokens.front();
  // Apart, so that the lines can go into the file and the token not.
  fmt::print(stderr, "The token, shown this once: {}\n", token);
  fmt::print("[[token]]\nname = {}\nsha256 = {}\nscopes = {}\n", toml_text(known.name),
             toml_text(known.sha256), toml_list(known.scopes));
  return 0;
}

}  // namespace reachback::service
