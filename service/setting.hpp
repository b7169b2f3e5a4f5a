#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "serve_command.hpp"
#include "values.hpp"

namespace reachback::service {

/// How the configuration file writes a value: in quotes; as a number, or in quotes with a unit; as true or
/// false.
enum class Form : std::uint8_t { text, number, toggle };

/// A part of a value that is a key of its own where the configuration file has a table for the value.
struct Field {
  std::string key;
  std::string before;  ///< stands before it where the value is one text
  bool required = true;
};

/// One thing that `reachback serve` can be told, by flag, environment variable or configuration file.
struct Setting {
  std::string name;     ///< "call-timeout": `--call-timeout`, `REACHBACK_CALL_TIMEOUT`, `call_timeout`
  std::string value;    ///< what help calls its value: "SECONDS"; empty: a switch
  std::string meaning;  ///< for people
  Form form = Form::text;
  /// Puts a value into the command; into its list when the setting repeats.
  std::function<Read<void>(ServeCommand&, std::string_view)> take{};
  /// The values that a command has, as `take` reads them; none: not set.
  std::function<std::vector<std::string>(ServeCommand const&)> show{};
  /// Only of a setting that repeats: empties its list.
  std::function<void(ServeCommand&)> clear{};
  bool commas = false;          ///< stand between several values in the environment; otherwise white space
  std::string table{};          ///< `[[table]]` of the configuration file is one value; empty: none is
  std::vector<Field> fields{};  ///< of that table
  bool secret = false;          ///< never printed
  bool has_flag = true;         ///< no flag: other users of the machine see flags
  bool has_key = true;          ///< in the configuration file
  std::string group{};          ///< of the help

  [[nodiscard]] bool repeats() const { return clear != nullptr; }
  [[nodiscard]] std::string flag() const;
  [[nodiscard]] std::string variable() const;
  [[nodiscard]] std::string key() const;
  /// For people: "60 s", "none".
  [[nodiscard]] std::string default_text() const;
};

}  // namespace reachback::service
