#include "effective_settings.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

#include "config_file.hpp"
#include "reachback/errors.hpp"
#include "settings.hpp"

namespace reachback::service {

namespace {

Said const* find(Layer const& layer, char const* name) {
  auto const found = layer.find(&setting_named(name));
  return found == layer.end() ? nullptr : &found->second;
}

void imply(Layer& layer, char const* name, char const* text) {
  layer.try_emplace(&setting_named(name), Said{"--test", {{"--test", text}}});
}

ServeCommand read_each(Layer const& effective) {
  ServeCommand command;
  for (auto const& [setting, said] : effective) {
    if (setting->repeats()) {
      setting->clear(command);
    } else if (said.words.size() != 1) {
      throw StartError(fmt::format("{} takes one value, not {}", said.where, said.words.size()));
    }
    for (Word const& word : said.words) {
      auto const taken = setting->take(command, word.text);
      if (!taken) throw StartError(fmt::format("{} {}", word.where, taken.error().text()));
    }
  }
  return command;
}

/// Where a setting was said; its flag when it was not.
std::string place_of(Layer const& effective, char const* name) {
  Said const* const said = find(effective, name);
  return said != nullptr ? said->where : setting_named(name).flag();
}

void require(bool holds, Layer const& effective, char const* name, std::string const& complaint) {
  if (!holds) throw StartError(fmt::format("{} {}", place_of(effective, name), complaint));
}

void check_endpoints(ServeCommand const& command, Layer const& effective) {
  std::set<std::string_view> names;
  for (auto const& endpoint : command.config.endpoints)
    require(names.insert(endpoint.name).second, effective, "endpoint",
            fmt::format("names '{}' twice", endpoint.name));
}

void check_together(ServeCommand const& command, Layer const& effective) {
  auto const& timeouts = command.config.timeouts;
  check_endpoints(command, effective);
  require(timeouts.silence > timeouts.ping, effective, "silence-timeout",
          fmt::format("is not longer than {}: idle connections would be cut",
                      place_of(effective, "ping-interval")));
  require(timeouts.call <= timeouts.longest_call, effective, "call-timeout",
          fmt::format("is longer than {}, which is {}", place_of(effective, "longest-call"),
                      seconds_text(timeouts.longest_call)));
  require(
      !command.config.test_mode || command.password_file.empty(), effective, "password-file",
      fmt::format("cannot be together with {}, whose one account is test/test", place_of(effective, "test")));
  require(command.config.cookie_key.empty() || command.cookie_key_file.empty(), effective, "cookie-key-file",
          fmt::format("cannot be together with {}: which one counts?", place_of(effective, "cookie-key")));
}

}  // namespace

Layer effective_settings(Layer flags, Layer environment) {
  Layer effective = std::move(flags);
  effective.merge(environment);
  Said const* const file = find(effective, "config");
  if (file != nullptr) {
    Layer of_file = read_config_file(read_each({{&setting_named("config"), *file}}).config_file);
    effective.merge(of_file);
  }
  if (read_each(effective).config.test_mode) {
    imply(effective, "host", "127.0.0.1");
    imply(effective, "drain-wait", "0");
  }
  return effective;
}

ServeCommand read_command(Layer const& effective) {
  ServeCommand command = read_each(effective);
  check_together(command, effective);
  return command;
}

}  // namespace reachback::service
