#pragma once

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "options.hpp"

namespace reachback::service {

using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

/// What the executable makes of these words, with these variables in its environment and no others.
inline Command parsed(Words const& words, Variables const& variables = {}) {
  std::vector<char const*> argv = {"reachback"};
  for (auto const& word : words) argv.push_back(word.c_str());
  auto const environment = [&variables](std::string const& name) {
    auto const found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return parse_command_line(static_cast<int>(argv.size()), argv.data(), environment);
}

/// The one line on stderr, with exit code 2.
inline std::string refusal(Words const& words, Variables const& variables = {}) {
  auto const command = parsed(words, variables);
  REQUIRE(std::holds_alternative<Notice>(command));
  auto const& notice = std::get<Notice>(command);
  CHECK(notice.exit_code == 2);
  CHECK(notice.text.find('\n') == notice.text.size() - 1);
  return notice.text;
}

}  // namespace reachback::service
