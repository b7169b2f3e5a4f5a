// A configuration file: either it is understood, and what it said, said again by the environment, means the
// same, or one line says what is wrong and where, without any secret.
#include "config_file.hpp"

#include <map>
#include <string>

#include "effective_settings.hpp"
#include "environment.hpp"
#include "file_of_bytes.hpp"
#include "options.hpp"
#include "reachback/errors.hpp"
#include "settings.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using Shown = std::map<std::string, std::vector<std::string>>;

Shown shown(service::ServeCommand const& command) {
  Shown all;
  for (auto const& setting : service::settings()) all[setting.name] = setting.show(command);
  return all;
}

service::Layer layer_of(Shown const& all) {
  service::Layer layer;
  for (auto const& setting : service::settings()) {
    auto const& texts = all.at(setting.name);
    if (texts.empty() && !setting.repeats()) continue;
    service::Said said{setting.name, {}};
    for (auto const& text : texts) said.words.push_back({setting.name, text});
    layer.emplace(&setting, std::move(said));
  }
  return layer;
}

void run(std::string_view input) {
  FileOfBytes const file(input);
  try {
    auto const layer = service::read_config_file(file.path());
    auto const command = service::read_command(layer);
    auto const all = shown(command);
    expect(shown(service::read_command(layer_of(all))) == all,
           "what was understood, said again, means the same");
  } catch (StartError const& error) {
    std::string_view const what = error.what();
    expect(!what.empty(), "a refusal says why");
    expect(service::one_line(std::string(what)).size() > 0, "it fits on one line");
  }
}

Registration const registration("config_file", run);

}  // namespace
}  // namespace reachback::fuzz
