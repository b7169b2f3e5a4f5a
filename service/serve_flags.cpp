#include "serve_flags.hpp"

#include <fmt/format.h>

#include <utility>

#include "effective_settings.hpp"
#include "environment.hpp"
#include "print_config.hpp"
#include "settings.hpp"

namespace reachback::service {

namespace {

void add_flag_of(CLI::App& serve, Setting const& setting, Layer& layer) {
  auto const take = [&setting, &layer](std::vector<std::string> const& texts) {
    Said said{setting.flag(), {}};
    for (auto const& text : texts) said.words.push_back({said.where, text});
    layer.emplace(&setting, std::move(said));
  };
  std::string const help = fmt::format("{} [{}]", setting.meaning, setting.default_text());
  if (setting.form == Form::toggle) {
    // CLI11 counts: `--test=false` is less than nothing.
    auto const toggle = [take](std::int64_t count) { take({count > 0 ? "true" : "false"}); };
    serve.add_flag_function(setting.flag(), toggle, help);
  } else {
    auto* const option = serve.add_option_function<std::vector<std::string>>(setting.flag(), take, help);
    option->type_name(setting.value)->allow_extra_args(false);
    // How often it was given is counted where the environment and the file are read too.
    if (!setting.repeats()) option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
}

}  // namespace

void add_serve_flags(CLI::App& serve, ServeFlags& flags) {
  serve.footer(
      "Each setting can also stand in the environment (--call-timeout as REACHBACK_CALL_TIMEOUT) and in the "
      "TOML file that --config names (call_timeout). Flags count before the environment, the environment "
      "before the file. Sizes take the suffixes KiB, MiB and GiB; times are seconds, or take ms, s, min and "
      "h. "
      "SIGTERM and SIGINT end the gateway in order (SIGINT without the drain wait), a second signal ends it "
      "at "
      "once.");
  for (Setting const& setting : settings()) {
    serve.option_defaults()->group(setting.group);
    if (setting.has_flag) add_flag_of(serve, setting, flags.layer);
  }
  serve.option_defaults()->group("Configuration");
  serve.add_flag("--check-config", flags.check_config,
                 "Check all settings and the files they name, and exit");
  serve.add_flag("--print-config", flags.print_config,
                 "Print the settings that count as a TOML file, secrets masked, and exit");
}

Command finish(ServeFlags flags, Environment const& environment) {
  Layer const effective = effective_settings(std::move(flags.layer), environment_layer(environment));
  ServeCommand command = read_command(effective);
  if (flags.print_config) return Notice{print_config(command, effective), 0};
  command.check_only = flags.check_config;
  return command;
}

}  // namespace reachback::service
