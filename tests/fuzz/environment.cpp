// Settings as texts, one NAME=VALUE to a line, as the environment brings them: understood or refused by one
// line, and what was understood is shown as a text that means the same.
#include "environment.hpp"

#include <map>
#include <string>

#include "effective_settings.hpp"
#include "input.hpp"
#include "reachback/errors.hpp"
#include "server_url.hpp"
#include "settings.hpp"
#include "target.hpp"
#include "values.hpp"

namespace reachback::fuzz {
namespace {

constexpr std::string_view secret = "0123456789abcdefghijklmnopqrstuvwxyz";

void check_value(service::Setting const& setting, std::string_view value) {
  service::ServeCommand command;
  auto const taken = setting.take(command, value);
  if (!taken) {
    bool const tells = setting.secret && value.find(secret) != value.npos &&
                       taken.error().text().find(secret) != std::string::npos;
    return expect(!tells && !taken.error().text().empty(), "a complaint says what is wrong, and no secret");
  }
  auto const texts = setting.show(command);
  service::ServeCommand again;
  if (setting.repeats()) setting.clear(again);
  if (setting.repeats()) setting.clear(command);
  (void)setting.take(command, value);
  auto const wanted = setting.show(command);
  for (auto const& text : wanted) expect(setting.take(again, text).has_value(), "what is shown can be said");
  expect(setting.show(again) == wanted, "and means the same");
}

void check_environment(std::map<std::string, std::string> const& variables) {
  auto const environment = [&](std::string const& name) {
    auto const found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  std::vector<std::string> names;
  for (auto const& [name, value] : variables) names.push_back(name);
  (void)service::unknown_variables(names);
  try {
    (void)service::read_command(service::environment_layer(environment));
  } catch (StartError const& error) {
    expect(!std::string_view(error.what()).empty(), "a refusal says why");
  }
}

void check_texts(std::string_view text) {
  if (auto const bytes = service::read_bytes(text, 0))
    expect(*service::read_bytes(service::bytes_text(*bytes), 0) == *bytes, "sizes read back");
  constexpr Config::Duration longest = std::chrono::hours(24);
  if (auto const time = service::read_seconds(text, {}, longest)) {
    expect(*time >= Config::Duration(0) && *time <= longest, "a time is within its bounds");
    expect(*service::read_seconds(service::seconds_text(*time), {}, longest) == *time, "times read back");
  }
  if (auto const url = service::read_server_url(text)) expect(!url->host.empty(), "a server has a name");
}

void run(std::string_view input) {
  std::map<std::string, std::string> variables;
  for (Input script(input); !script.empty();) {
    Input line(script.line());
    std::string const name(line.until('='));
    auto const value = line.rest();
    if (value.find('\0') != value.npos) continue;
    variables[name] = value;
    check_texts(value);
    for (auto const& setting : service::settings()) {
      if (setting.variable() == name) check_value(setting, value);
    }
  }
  check_environment(variables);
}

Registration const registration("environment", run);

}  // namespace
}  // namespace reachback::fuzz
