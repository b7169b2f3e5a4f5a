#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "values.hpp"

namespace reachback::service {

/// The error that ends the parsing: what is wrong with the value of a flag, in one line that begins with its
/// name.
[[nodiscard]] CLI::ValidationError nonsense(std::string const& flag, std::string const& complaint);

/// A flag whose value `read` turns into `target`. A value that makes no sense ends the parsing with an error
/// that names the flag.
template <class Target, class Reader>
void add_flag(CLI::App& app, std::string const& flag, std::string const& value_name, Target& target,
              Reader read, std::string const& help) {
  auto const take = [flag, read, &target](std::string const& text) {
    auto const value = read(text);
    if (!value) throw nonsense(flag, value.error().text());
    target = static_cast<Target>(*value);
  };
  app.add_option_function<std::string>(flag, take, help)->type_name(value_name);
}

}  // namespace reachback::service
