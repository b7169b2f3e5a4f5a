#include "wire/authority.hpp"

#include <algorithm>

#include "wire/http_head.hpp"

namespace reachback::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

constexpr std::string_view name_marks = "-._~!$&'()*+,;=";
constexpr std::string_view address_marks = "-._~!$&'()*+,;=:";

/// RFC 3986, 3.2.2: letters, digits, those marks, and whole percent-encodings.
bool is_made_of(std::string_view text, std::string_view marks) {
  for (; !text.empty(); text.remove_prefix(1)) {
    char const c = text.front();
    if (c == '%') {
      if (text.size() < 3 || !is_hex(text[1]) || !is_hex(text[2])) return false;
    } else if (!is_letter(c) && !is_digit(c) && marks.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_port(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::ranges::all_of(text.substr(1), is_digit));
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.starts_with('[')) {
    auto const end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    return is_made_of(text.substr(1, end - 1), address_marks) && is_port(text.substr(end + 1));
  }
  auto const end = std::min(text.find(':'), text.size());
  return is_made_of(text.substr(0, end), name_marks) && is_port(text.substr(end));
}

std::optional<AbsoluteForm> read_absolute_form(std::string_view target) {
  auto const scheme_end = target.find_first_of(":/?#");
  if (scheme_end == std::string_view::npos || target.substr(scheme_end, 3) != "://") return std::nullopt;
  std::string_view const scheme = target.substr(0, scheme_end);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return std::nullopt;
  target.remove_prefix(scheme_end + 3);
  auto const end = std::min(target.find_first_of("/?#"), target.size());
  AbsoluteForm const form{target.substr(0, end), target.substr(end)};
  if (!is_authority(form.authority) || form.authority.empty() || form.authority.starts_with(':')) {
    return std::nullopt;
  }
  return form;
}

}  // namespace reachback::wire
