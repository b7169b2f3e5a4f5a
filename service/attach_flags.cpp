#include "attach_flags.hpp"

#include <fmt/format.h>

#include <utility>

#include "flags.hpp"
#include "layer.hpp"
#include "reachback/errors.hpp"
#include "text_file.hpp"

namespace reachback::service {
namespace {

constexpr std::uint64_t most_workers = 256;

/// The one line of the file that the variable names.
std::string line_of_file(std::string const& variable, std::string const& path) {
  std::string line;
  try {
    line = without_line_break(read_text_file(path));
  } catch (StartError const& error) {
    throw nonsense(variable + ':', error.what());
  }
  // For `serve`, the same variables name files with a line for each account or token: none of them is sent.
  if (line.find('\n') != std::string::npos) throw nonsense(variable, "names a file of more than one line");
  if (line.empty()) throw nonsense(variable, "names a file with nothing in it");
  return line;
}

/// The same as a token.
std::string token_of_file(std::string const& where, std::string const& path) {
  std::string token = line_of_file(where, path);
  if (!read_token(token)) throw nonsense(where, "names a file with characters that no header can carry");
  return token;
}

/// What the flag says, or else the variable or the file that VARIABLE_FILE names; empty when there is none.
Word secret_from(Word const& flag, std::string const& variable, Environment const& environment) {
  if (!flag.text.empty()) return flag;
  auto const value = environment(variable);
  auto const file = environment(variable + "_FILE");
  if (value && file)
    throw nonsense(variable, fmt::format("and {}_FILE are both set: which one counts?", variable));
  if (file) return {variable + "_FILE", line_of_file(variable + "_FILE", *file)};
  return {variable, value.value_or("")};
}

void choose_token(AttachOptions& options, AttachFlags const& flags, Environment const& environment) {
  std::string where = "--token-file", file = flags.token_file;
  if (auto const path = environment("REACHBACK_TOKEN_FILE"); path && file.empty() && flags.token.empty()) {
    if (environment("REACHBACK_TOKEN"))
      throw nonsense("REACHBACK_TOKEN", "and REACHBACK_TOKEN_FILE are both set: which one counts?");
    where = "REACHBACK_TOKEN_FILE";
    file = *path;
  }
  if (!file.empty()) {
    options.read_token = [where, file] { return token_of_file(where, file); };
    options.token = options.read_token();
    return;
  }
  auto const [said_by, token] = secret_from({"--token", flags.token}, "REACHBACK_TOKEN", environment);
  if (token.empty() && !options.certificate_file.empty()) return;
  if (token.empty())
    throw nonsense("attach",
                   "needs --test, --user, --token, --token-file, --certificate or the environment variable "
                   "REACHBACK_TOKEN");
  if (!read_token(token)) throw nonsense(said_by, "has characters that no header can carry");
  options.token = token;
}

void choose_credential(AttachOptions& options, AttachFlags const& flags, Environment const& environment) {
  if (flags.test) {
    options.user = options.password = "test";
  } else if (!flags.user.empty()) {
    options.user = flags.user;
    options.password = secret_from({"--password", flags.password}, "REACHBACK_PASSWORD", environment).text;
    if (options.password.empty())
      throw nonsense("--user", "needs --password or the environment variable REACHBACK_PASSWORD");
  } else {
    choose_token(options, flags, environment);
  }
}

void choose_server(AttachOptions& options, ServerFlags const& flags, Environment const& environment) {
  ServerUrl server{options.host, options.port, options.tls};
  if (flags.server) {
    server = *flags.server;
  } else if (auto const text = environment("REACHBACK_SERVER")) {
    auto const read = read_server_url(*text);
    if (!read) throw nonsense("REACHBACK_SERVER", read.error().text());
    server = *read;
  }
  options.host = server.host;
  options.port = server.port;
  options.tls = server.tls;
  auto files = files_for(server, flags, environment);
  options.ca_file = std::move(files.ca_file);
  options.certificate_file = std::move(files.certificate);
  options.key_file = std::move(files.key);
}

}  // namespace

void add_attach_flags(CLI::App& attach, AttachFlags& flags) {
  AttachOptions& options = flags.command.options;
  attach.footer(
      "The environment stands in for flags: REACHBACK_SERVER, REACHBACK_CA_FILE, "
      "REACHBACK_CERTIFICATE, REACHBACK_KEY, REACHBACK_PASSWORD, REACHBACK_TOKEN, and for the last two files "
      "that REACHBACK_PASSWORD_FILE and REACHBACK_TOKEN_FILE name.");
  attach.add_option("ENDPOINT", options.endpoint, "The endpoint whose requests are answered, e.g. wsData")
      ->required();
  attach.add_option("--files", options.files, "Directory whose files getFile and listFiles give away")
      ->type_name("DIR")
      ->required();
  add_server_flags(attach, flags.server, fmt::format("{}:{}", options.host, options.port));
  auto* const test =
      attach.add_flag("--test", flags.test, "Log in as test/test, which a gateway in test mode takes");
  auto* const user = attach.add_option("--user", flags.user, "Log in as this user")->type_name("NAME");
  auto* const password = attach.add_option(
      "--password", flags.password, "The user's password; better in the environment as REACHBACK_PASSWORD");
  auto* const token =
      attach.add_option("--token", flags.token,
                        "A bearer token instead of a log-in; better in the environment as REACHBACK_TOKEN");
  auto* const token_file = attach.add_option(
      "--token-file", flags.token_file,
      "File with the token, read for each connection anew: tokens that expire are renewed in it");
  password->type_name("TEXT")->needs(user);
  token->type_name("TEXT")->excludes(test)->excludes(user);
  token_file->type_name("FILE")->excludes(token)->excludes(test)->excludes(user);
  test->excludes(user);
  add_flag(
      attach, "--workers", "N", options.workers,
      [](std::string_view text) { return read_number(text, 1, most_workers); },
      fmt::format("Threads that make answers; one that waits for its slow caller holds none [{}]",
                  options.workers));
  add_flag(attach, "--log-level", "LEVEL", flags.command.log_level, read_level,
           "Least level of what is logged to stderr: debug, info, warning or error [info]");
}

AttachCommand finish(AttachFlags flags, Environment const& environment) {
  AttachOptions& options = flags.command.options;
  choose_server(options, flags.server, environment);
  choose_credential(options, flags, environment);
  return std::move(flags.command);
}

}  // namespace reachback::service
