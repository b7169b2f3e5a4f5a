#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <string>
#include <string_view>

#include "reachback/config.hpp"
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

/// The flags of `reachback serve` that set `Config::limits`, in the groups "Limits" and "Budgets" of the
/// help.
void add_limit_flags(CLI::App& serve, Config::Limits& limits);
/// Those that set `Config::timeouts`.
void add_timeout_flags(CLI::App& serve, Config::Timeouts& timeouts);

}  // namespace reachback::service
