#include "print_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "options.hpp"
#include "settings.hpp"

namespace reachback::service {

namespace {

constexpr char const* mask = "***";

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    bool const control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    quoted += control ? fmt::format("\\u{:04x}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return quoted + '"';
}

std::string value_of(Setting const& setting, std::string const& text) {
  bool const digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  bool const bare = setting.form == Form::toggle || (setting.form == Form::number && digits);
  return bare ? text : quoted(setting.secret ? mask : text);
}

std::string line_of(Setting const& setting, ServeCommand const& command, Layer const& effective) {
  std::vector<std::string> values;
  for (auto const& text : setting.show(command)) values.push_back(value_of(setting, text));
  auto const said = effective.find(&setting);
  std::string const where = said == effective.end() ? "default" : said->second.where;
  bool const unset = values.empty() && !setting.repeats();
  std::string const value = setting.repeats() ? fmt::format("[{}]", fmt::join(values, ", "))
                            : unset           ? "\"\""
                                              : values.front();
  bool const comment = unset || (setting.secret && !values.empty()) || !setting.has_key;
  return one_line(fmt::format("{}{} = {}  # {}", comment ? "# " : "", setting.key(), value, where)) + '\n';
}

}  // namespace

std::string print_config(ServeCommand const& command, Layer const& effective) {
  std::string text = "# Settings of reachback " REACHBACK_VERSION ", and where each comes from.\n";
  std::string group;
  for (Setting const& setting : settings()) {
    if (setting.group != group) text += fmt::format("\n# {}\n", group = setting.group);
    text += line_of(setting, command, effective);
  }
  return text;
}

}  // namespace reachback::service
