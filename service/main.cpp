#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "attach.hpp"
#include "health.hpp"
#include "logging.hpp"
#include "options.hpp"
#include "reachback/errors.hpp"
#include "serve.hpp"

namespace {

using namespace reachback;
using namespace reachback::service;

constexpr int cannot_start = 2;
constexpr int broken = 70;  // EX_SOFTWARE: an exception that nobody expected is a bug

int run(ServeCommand command) {
  command.config.log = make_log(command.log_level);
  return serve(std::move(command.config));
}

int run(AttachCommand const& command) { return attach(command.options, make_log(command.log_level)); }

int run(HealthCommand const& command) { return health(command.config); }

int run(Notice const& notice) {
  std::fputs(notice.text.c_str(), notice.exit_code == 0 ? stdout : stderr);
  return notice.exit_code;
}

std::optional<std::string> from_environment(std::string const& name) {
  char const* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int report(std::exception const& error, int exit_code) {
  std::fprintf(stderr, "reachback: %s\n", one_line(error.what()).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) try {
  auto command = parse_command_line(argc, argv, from_environment);
  return std::visit([](auto& chosen) { return run(std::move(chosen)); }, command);
} catch (StartError const& error) {
  return report(error, cannot_start);
} catch (std::exception const& error) {
  return report(error, broken);
}
