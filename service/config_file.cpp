#include "config_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

// toml++ 3.3 asserts of a key what it reports as an error a few lines on: `[$` would end a build with
// asserts.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "nearest.hpp"
#include "reachback/errors.hpp"
#include "settings.hpp"
#include "text_file.hpp"

namespace reachback::service {

namespace {

/// One file while it is read into a layer.
class Reader {
 public:
  explicit Reader(std::string const& path) : path_(path) {}

  Layer read(toml::table const& file) {
    for (auto const& [key, node] : file) read_setting(std::string(key.str()), node);
    return std::move(layer_);
  }

 private:
  std::string where(toml::node const& node, std::string_view key) const {
    return fmt::format("{}:{}: {}", path_, node.source().begin.line, key);
  }

  void read_setting(std::string const& key, toml::node const& node) {
    auto const* const list = node.as_array();
    if (list == nullptr) return read_value(key, node, node);
    if (list->empty()) say(setting_for(key, node), where(node, key));
    for (toml::node const& element : *list) read_value(key, element, node);
  }

  void read_value(std::string const& key, toml::node const& value, toml::node const& whole) {
    Setting const& setting = setting_for(key, value);
    std::string const place = where(value, key);
    std::string text = value.is_table() ? text_of_table(setting, key, *value.as_table())
                                        : text_of(setting.form, value, place);
    say(setting, where(whole, key)).words.push_back({place, std::move(text)});
  }

  Said& say(Setting const& setting, std::string const& place) {
    return layer_.try_emplace(&setting, Said{place, {}}).first->second;
  }

  /// A key may stand for two settings: one for its texts, one for its tables.
  Setting const& setting_for(std::string const& key, toml::node const& node) const {
    std::vector<std::string> keys;
    for (Setting const& setting : settings()) {
      bool const has_table = !setting.table.empty();
      bool const meant =
          node.is_table() ? has_table && setting.table == key : setting.has_key && setting.key() == key;
      if (meant) return setting;
      if (setting.has_key) keys.push_back(setting.key());
      if (has_table) keys.push_back(setting.table);
    }
    if (std::ranges::find(keys, key) != keys.end())
      throw StartError(where(node, key) +
                       (node.is_table() ? " is a table: it is one value" : " is one value: it is a table"));
    throw StartError(fmt::format("{} is no setting{}", where(node, key), nearest_hint(key, keys)));
  }

  static std::string text_of(Form form, toml::node const& node, std::string const& place) {
    if (auto const* const text = node.as_string()) return text->get();
    if (form == Form::text) throw StartError(place + " is no text in quotes");
    if (auto const* const number = node.as_integer()) return fmt::format("{}", number->get());
    if (auto const* const number = node.as_floating_point()) return fmt::format("{}", number->get());
    if (auto const* const value = node.as_boolean()) return value->get() ? "true" : "false";
    throw StartError(place + " is neither a number nor a text");
  }

  /// The same value as one text, as a flag would have it.
  std::string text_of_table(Setting const& setting, std::string const& key, toml::table const& table) const {
    check_keys(setting, key, table);
    std::string text, last, place;
    for (Field const& field : setting.fields) {
      auto const* const node = table.get(field.key);
      if (node == nullptr && field.required)
        throw StartError(fmt::format("{} has no {}", where(table, key), field.key));
      if (node == nullptr) continue;
      // Otherwise the one text would be taken apart elsewhere.
      if (!last.empty() && last.find(field.before) != last.npos)
        throw StartError(fmt::format("{} has '{}'", place, field.before));
      place = where(*node, key + '.' + field.key);
      last = text_of_field(*node, key + '.' + field.key);
      text += field.before + last;
    }
    return text;
  }

  std::string text_of_field(toml::node const& node, std::string const& key) const {
    auto const* const list = node.as_array();
    if (list == nullptr) return text_of(Form::text, node, where(node, key));
    std::vector<std::string> texts;
    for (toml::node const& element : *list) {
      texts.push_back(text_of(Form::text, element, where(element, key)));
      if (texts.back().find(',') != std::string::npos) throw StartError(where(element, key) + " has ','");
    }
    return fmt::to_string(fmt::join(texts, ","));
  }

  void check_keys(Setting const& setting, std::string const& key, toml::table const& table) const {
    for (auto const& [found, node] : table) {
      std::string const name(found.str());
      if (std::ranges::find(setting.fields, name, &Field::key) != setting.fields.end()) continue;
      bool const misplaced =
          std::ranges::any_of(settings(), [&name](Setting const& each) { return each.key() == name; });
      throw StartError(fmt::format("{} is no key of [[{}]]{}", where(node, name), key,
                                   misplaced ? "; settings stand before the first table" : ""));
    }
  }

  std::string path_;
  Layer layer_;
};

}  // namespace

Layer read_config_file(std::string const& path) {
  try {
    return Reader(path).read(toml::parse(read_text_file(path), path));
  } catch (toml::parse_error const& error) {
    throw StartError(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

}  // namespace reachback::service
