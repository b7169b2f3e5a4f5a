#include "options.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "attach_flags.hpp"
#include "health_flags.hpp"
#include "reachback/errors.hpp"
#include "serve_flags.hpp"

namespace reachback::service {

namespace {

constexpr int usage_error = 2;

/// What the subcommands were given.
struct Flags {
  ServeFlags serve;
  AttachFlags attach;
  HealthFlags health;
  HashPasswordCommand hash_password;
  NewTokenCommand new_token;
};

Command parse(CLI::App& app, Flags& flags, int argc, char const* const* argv,
              Environment const& environment) {
  auto* const serve = app.add_subcommand("serve", "Run the gateway");
  auto* const attach =
      app.add_subcommand("attach", "Be a remote service that answers with the files of a directory");
  auto* const health =
      app.add_subcommand("health", "Ask a gateway whether it is ready; exit code 0 when it is");
  add_serve_flags(*serve, flags.serve);
  add_attach_flags(*attach, flags.attach);
  add_health_flags(*health, flags.health);
  auto const* const hash_password = add_hash_password(app, flags.hash_password);
  auto const* const new_token = add_new_token(app, flags.new_token);
  app.parse(argc, argv);
  if (serve->parsed()) return finish(std::move(flags.serve), environment);
  if (health->parsed()) return finish(std::move(flags.health), environment);
  if (hash_password->parsed()) return std::move(flags.hash_password);
  if (new_token->parsed()) return std::move(flags.new_token);
  return finish(std::move(flags.attach), environment);
}

/// What was said beyond the flags that there are. Only names are repeated: the rest may be secret.
std::string refusal_of_extras(std::vector<std::string> const& extras) {
  auto const flag = std::ranges::find_if(extras, [](auto const& word) { return word.starts_with('-'); });
  if (flag == extras.end()) return "there is an argument too many";
  return "there is no flag " + flag->substr(0, flag->find('='));
}

Notice refusal(std::exception const& error) {
  return {"reachback: " + one_line(error.what()) + '\n', usage_error};
}

}  // namespace

Command parse_command_line(int argc, char const* const* argv, Environment const& environment) {
  Flags flags;
  CLI::App app("Reaches services that dial in: they connect by WebSocket, callers ask them over HTTP.",
               "reachback");
  app.set_version_flag("--version", "reachback " REACHBACK_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.get_formatter()->column_width(42);
  try {
    return parse(app, flags, argc, argv, environment);
  } catch (CLI::CallForHelp const&) {
    return Notice{app.help(), 0};
  } catch (CLI::CallForVersion const& version) {
    return Notice{std::string(version.what()) + '\n', 0};
  } catch (CLI::ExtrasError const&) {
    return refusal(StartError(refusal_of_extras(app.remaining(true))));
  } catch (CLI::ParseError const& error) {
    return refusal(error);
  } catch (StartError const& error) {
    return refusal(error);
  }
}

std::string one_line(std::string text) {
  auto const is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  std::ranges::replace_if(text, is_control, ' ');
  return text;
}

}  // namespace reachback::service
