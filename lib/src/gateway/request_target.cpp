#include "gateway/request_target.hpp"

#include <algorithm>
#include <charconv>

#include "wire/authority.hpp"

namespace reachback::gateway {
namespace {

enum class Plus { literal, space };

std::optional<std::string> decode(std::string_view text, Plus plus) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      unsigned value = 0;
      std::string_view const digits = text.substr(i + 1, 2);
      auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return std::nullopt;
      decoded += static_cast<char>(value);
      i += 2;
    }
  }
  return decoded;
}

std::string_view take_until(std::string_view& text, char separator) {
  auto const end = std::min(text.find(separator), text.size());
  std::string_view const taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

}  // namespace

std::optional<std::string_view> RequestTarget::parameter(std::string_view name) const {
  auto const found =
      std::find_if(query.rbegin(), query.rend(), [&](auto const& entry) { return entry.first == name; });
  if (found == query.rend()) return std::nullopt;
  return found->second;
}

std::optional<std::vector<std::pair<std::string, std::string>>> read_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> form;
  while (!text.empty()) {
    std::string_view value = take_until(text, '&');
    std::string_view const name = take_until(value, '=');
    auto decoded_name = decode(name, Plus::space);
    auto decoded_value = decode(value, Plus::space);
    if (!decoded_name || !decoded_value) return std::nullopt;
    if (!decoded_name->empty()) form.emplace_back(std::move(*decoded_name), std::move(*decoded_value));
  }
  return form;
}

std::optional<RequestTarget> read_target(std::string_view target) {
  RequestTarget result;
  if (target == "*") {
    result.path = target;
    return result;
  }
  if (!target.starts_with('/')) {
    auto const absolute = wire::read_absolute_form(target);
    if (!absolute) return std::nullopt;
    target = absolute->path_and_query;
  }
  // No target has one: who sends it means something else than who reads it (RFC 9112, 3.2).
  if (target.find('#') != std::string_view::npos) return std::nullopt;
  std::string_view path = take_until(target, '?');
  // Only an absolute form can leave the path out: it means the root (RFC 9110, 4.2.3).
  if (path.empty()) path = "/";
  result.path = path;
  auto query = read_form(target);
  if (!query) return std::nullopt;
  result.query = std::move(*query);
  path.remove_prefix(1);
  while (!path.empty()) {
    auto segment = decode(take_until(path, '/'), Plus::literal);
    if (!segment) return std::nullopt;
    result.segments.push_back(std::move(*segment));
  }
  return result;
}

}  // namespace reachback::gateway
