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

void HttpFields::add(std::string_view name, std::string_view value) {
  places_.push_back({text_.size(), name.size(), value.size()});
  text_.append(name).append(value);
}

HttpField HttpFields::operator[](std::size_t index) const {
  Place const& place = places_[index];
  std::string_view const both = std::string_view(text_).substr(place.at, place.name_size + place.value_size);
  return {both.substr(0, place.name_size), both.substr(place.name_size)};
}

void HttpFields::reserve(std::size_t count, std::size_t bytes) {
  places_.reserve(count);
  text_.reserve(bytes);
}

template <class Visit>
bool HttpFields::any_of(std::string_view name, Visit visit) const {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].name_size != name.size()) continue;
    auto const field = (*this)[i];
    if (equal_ignoring_case(field.name, name) && visit(field.value)) return true;
  }
  return false;
}

std::string_view HttpFields::get(std::string_view name) const {
  std::string_view first;
  any_of(name, [&](std::string_view value) {
    first = value;
    return true;
  });
  return first;
}

bool HttpFields::has(std::string_view name) const {
  return any_of(name, [](std::string_view) { return true; });
}

std::size_t HttpFields::count(std::string_view name) const {
  std::size_t count = 0;
  any_of(name, [&](std::string_view) {
    ++count;
    return false;
  });
  return count;
}

std::vector<std::string_view> HttpFields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  any_of(name, [&](std::string_view value) {
    values.push_back(value);
    return false;
  });
  return values;
}

bool HttpFields::lists(std::string_view name, std::string_view token) const {
  return any_of(name, [&](std::string_view value) { return list_contains(value, token); });
}

bool keeps_alive(int version, HttpFields const& fields) {
  if (fields.lists("Connection", "close")) return false;
  return version >= 11 || fields.lists("Connection", "keep-alive");
}

}  // namespace reachback::wire
