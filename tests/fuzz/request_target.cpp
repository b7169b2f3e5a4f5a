// A request's target and forms: what is decoded, encoded again, reads back the same; Host and the absolute
// form agree on what an authority is.
#include "gateway/request_target.hpp"

#include <fmt/format.h>

#include <string>

#include "target.hpp"
#include "wire/authority.hpp"

namespace reachback::fuzz {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  for (char const c : text) out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

void check_target(std::string_view text) {
  auto const target = gateway::read_target(text);
  if (!target) return;
  expect(!target->path.empty() && target->path.find_first_of("?#") == std::string::npos,
         "a path ends at its query");
  expect(target->path == "*" || target->path.front() == '/', "a path is absolute");
  if (target->path == "*") return expect(target->segments.empty(), "the asterisk is no path");
  std::string again;
  for (auto const& segment : target->segments) again += '/' + encoded(segment);
  // An empty segment at the end is none.
  if (again.empty() || again.ends_with('/')) again += '/';
  char separator = '?';
  for (auto const& [name, value] : target->query) {
    expect(!name.empty(), "a parameter has a name");
    again += separator + encoded(name) + '=' + encoded(value);
    separator = '&';
  }
  auto const read = gateway::read_target(again);
  expect(read && read->segments == target->segments && read->query == target->query,
         "what was read reads back");
  for (auto const& [name, value] : target->query)
    expect(target->parameter(name).has_value(), "a parameter is found");
}

void check_authority(std::string_view text) {
  auto const form = wire::read_absolute_form(text);
  if (form) {
    expect(!form->authority.empty() && wire::is_authority(form->authority),
           "an absolute form has an authority");
    expect(form->authority.find_first_of("@/?#\\ ") == form->authority.npos, "there is no user in it");
    expect(text.ends_with(form->path_and_query), "the rest is the rest");
  }
  if (wire::is_authority(text) && !text.empty() && !text.starts_with(':')) {
    auto const target = "http://" + std::string(text) + "/x";
    auto const absolute = wire::read_absolute_form(target);
    expect(absolute && absolute->path_and_query == "/x" && absolute->authority == text,
           "what Host may say an absolute form may say");
  }
}

void check_form(std::string_view text) {
  auto const form = gateway::read_form(text);
  if (!form) return;
  std::string again;
  for (auto const& [name, value] : *form) again += encoded(name) + '=' + encoded(value) + '&';
  expect(gateway::read_form(again) == form, "a form reads back");
}

void run(std::string_view input) {
  check_target(input);
  check_authority(input);
  check_form(input);
}

Registration const registration("request_target", run);

}  // namespace
}  // namespace reachback::fuzz
