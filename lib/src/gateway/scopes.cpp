#include "gateway/scopes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace reachback::gateway {
namespace {

constexpr std::string_view any = "*";
/// In the order of `Action`.
constexpr std::array<std::string_view, 5> action_names = {"serve", "call", "send", "watch", "admin"};

std::optional<Action> action_named(std::string_view name) {
  auto const found = std::ranges::find(action_names, name);
  if (found == action_names.end()) return std::nullopt;
  return static_cast<Action>(found - action_names.begin());
}

/// Of an endpoint: whatever else stands there was meant otherwise.
bool is_name(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

}  // namespace

std::string scope_of(Action action, std::string_view endpoint) {
  auto const name = action_names[static_cast<std::size_t>(action)];
  return action == Action::admin ? std::string(name) : fmt::format("{}:{}", name, endpoint);
}

bool Scopes::add(std::string_view text) {
  if (text == any) return all_ = true;
  auto const colon = std::min(text.find(':'), text.size());
  auto const endpoint = text.substr(std::min(colon + 1, text.size()));
  auto const action = action_named(text.substr(0, colon));
  bool const whole = action == Action::admin ? colon == text.size() : endpoint == any || is_name(endpoint);
  if (!action || !whole) return false;
  scopes_.push_back({*action, std::string(endpoint)});
  return true;
}

boost::system::result<Scopes, Scopes::Fault> Scopes::read(std::vector<std::string> const& texts) {
  Scopes scopes;
  for (std::string_view const text : texts) {
    if (!scopes.add(text)) {
      return Fault{
          fmt::format("'{}' is no scope: it is serve:ENDPOINT, call:ENDPOINT, send:ENDPOINT, "
                      "watch:ENDPOINT, admin or *",
                      text)};
    }
  }
  return scopes;
}

Scopes Scopes::known_among(std::vector<std::string> const& texts) {
  Scopes scopes;
  for (std::string_view const text : texts) static_cast<void>(scopes.add(text));
  return scopes;
}

Scopes const& Scopes::all() {
  static Scopes const everything = [] {
    Scopes scopes;
    scopes.all_ = true;
    return scopes;
  }();
  return everything;
}

bool Scopes::allow(Action action, std::string_view endpoint) const {
  auto const allows = [&](Scope const& scope) {
    return scope.action == action &&
           (action == Action::admin || scope.endpoint == any || scope.endpoint == endpoint);
  };
  return all_ || std::ranges::any_of(scopes_, allows);
}

}  // namespace reachback::gateway
