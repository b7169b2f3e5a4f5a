#include "setting.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace reachback::service {

std::string Setting::flag() const { return "--" + name; }

std::string Setting::variable() const {
  auto const upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  std::string text = "REACHBACK_" + key();
  std::ranges::transform(text, text.begin(), upper);
  return text;
}

std::string Setting::key() const {
  std::string text = name;
  std::ranges::replace(text, '-', '_');
  return text;
}

std::string Setting::default_text() const {
  auto const texts = show(ServeCommand());
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace reachback::service
