#include "wire/http_head.hpp"

#include <algorithm>

namespace reachback::wire {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool list_contains(std::string_view list, std::string_view token) {
  for (;;) {
    auto const comma = list.find(',');
    if (equal_ignoring_case(trimmed(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view HttpFields::get(std::string_view name) const {
  for (auto const& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

bool HttpFields::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](HttpField const& f) { return equal_ignoring_case(f.name, name); });
}

std::vector<std::string_view> HttpFields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (auto const& field : fields_) {
    if (equal_ignoring_case(field.name, name)) values.emplace_back(field.value);
  }
  return values;
}

bool HttpFields::lists(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(fields_, [&](HttpField const& f) {
    return equal_ignoring_case(f.name, name) && list_contains(f.value, token);
  });
}

bool keeps_alive(int version, HttpFields const& fields) {
  if (fields.lists("Connection", "close")) return false;
  return version >= 11 || fields.lists("Connection", "keep-alive");
}

}  // namespace reachback::wire
