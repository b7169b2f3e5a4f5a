#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "account_commands.hpp"
#include "attach.hpp"
#include "environment.hpp"
#include "health.hpp"
#include "logging.hpp"
#include "options.hpp"
#include "prepare.hpp"
#include "reachback/errors.hpp"
#include "serve.hpp"

namespace {

using namespace reachback;
using namespace reachback::service;

constexpr int cannot_start = 2;
constexpr int broken = 70;  // EX_SOFTWARE: an exception that nobody expected is a bug

std::optional<std::string> from_environment(std::string const& name) {
  char const* const value = std::getenv(name.c_str());
  bool const counts = value != nullptr && *value != '\0';
  return counts ? std::optional<std::string>(value) : std::nullopt;
}

std::vector<std::string> names_of_environment() {
  std::vector<std::string> names;
  for (char const* const* variable = environ; *variable != nullptr; ++variable) {
    std::string_view const text = *variable;
    std::string name(text.substr(0, text.find('=')));
    if (from_environment(name)) names.push_back(std::move(name));
  }
  return names;
}

int run(ServeCommand const& command) {
  auto const log = make_log(command.log_level);
  for (auto const& line : unknown_variables(names_of_environment())) log(LogLevel::warning, line);
  Config config = prepare(command, log);
  if (!command.check_only) return serve(std::move(config), command.jwt_keys_file);
  std::puts("reachback: the configuration is good");
  return 0;
}

int run(AttachCommand const& command) { return attach(command.options, make_log(command.log_level)); }

int run(HealthCommand const& command) { return health(command.config); }

int run(Notice const& notice) {
  std::fputs(notice.text.c_str(), notice.exit_code == 0 ? stdout : stderr);
  return notice.exit_code;
}

int report(std::exception const& error, int exit_code) {
  std::fprintf(stderr, "reachback: %s\n", one_line(error.what()).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) try {
  auto const command = parse_command_line(argc, argv, from_environment);
  return std::visit([](auto const& chosen) { return run(chosen); }, command);
} catch (StartError const& error) {
  return report(error, cannot_start);
} catch (std::exception const& error) {
  return report(error, broken);
}
