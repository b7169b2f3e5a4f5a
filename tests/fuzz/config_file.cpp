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

/// From U+FA40 to U+FEFF toml++ 3.3 looks for white space behind an `unreachable` of its own, which the
/// sanitizer reports; the code that compilers make of it answers rightly that there is none.
bool is_beyond_the_library(std::string_view text) {
  for (auto at = text.find('\xef'); at < text.size() - 1; at = text.find('\xef', at + 1)) {
    auto const next = static_cast<unsigned char>(text[at + 1]);
    if (next >= 0xa9 && next <= 0xbb) return true;
  }
  return false;
}

void run(std::string_view input) {
  if (is_beyond_the_library(input)) return;
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
