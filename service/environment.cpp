#include "environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "nearest.hpp"
#include "settings.hpp"

namespace reachback::service {

namespace {

constexpr std::string_view prefix = "REACHBACK_";
constexpr std::string_view white_space = " \t\r\n";

// What the other commands read from the environment and `serve` does not.
constexpr std::array<std::string_view, 5> variables_of_others = {
    "REACHBACK_SERVER", "REACHBACK_CA_FILE", "REACHBACK_CERTIFICATE", "REACHBACK_KEY", "REACHBACK_PASSWORD"};

std::string_view trimmed(std::string_view text) {
  auto const first = std::min(text.find_first_not_of(white_space), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(white_space) + 1);
}

Said said_by_variable(Setting const& setting, std::string_view value) {
  Said said{setting.variable(), {}};
  if (!setting.repeats()) {
    said.words.push_back({said.where, std::string(value)});
    return said;
  }
  std::string_view const separators = setting.commas ? "," : white_space;
  while (!value.empty()) {
    auto const end = std::min(value.find_first_of(separators), value.size());
    auto const text = trimmed(value.substr(0, end));
    if (!text.empty()) said.words.push_back({said.where, std::string(text)});
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return said;
}

}  // namespace

Layer environment_layer(Environment const& environment) {
  Layer layer;
  for (Setting const& setting : settings()) {
    if (auto const value = environment(setting.variable()))
      layer.emplace(&setting, said_by_variable(setting, *value));
  }
  return layer;
}

std::vector<std::string> unknown_variables(std::vector<std::string> const& names) {
  std::vector<std::string> known(variables_of_others.begin(), variables_of_others.end());
  for (Setting const& setting : settings()) known.push_back(setting.variable());
  std::vector<std::string> lines;
  for (auto const& name : names) {
    if (!name.starts_with(prefix) || std::ranges::find(known, name) != known.end()) continue;
    lines.push_back(
        fmt::format("the environment variable {} is no setting{}", name, nearest_hint(name, known)));
  }
  return lines;
}

}  // namespace reachback::service
