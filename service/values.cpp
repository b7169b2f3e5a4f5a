#include "values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <ranges>
#include <utility>

#include "reachback/errors.hpp"

namespace reachback::service {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::array byte_units = {Unit{"GiB", 1u << 30}, Unit{"MiB", 1u << 20}, Unit{"KiB", 1u << 10},
                                   Unit{"B", 1}};
// In milliseconds; "ms" stands before the "s" in which it ends.
constexpr std::array time_units = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}};

constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_reason = 123;  // what fits into a close frame: RFC 6455, 5.5

// Paths that the gateway itself answers; an endpoint of that name could not be reached.
constexpr std::array<std::string_view, 11> taken_names = {
    ".", "..", "healthz", "livez", "login", "logout", "metrics", "problems", "readyz", "v1", "version"};

template <class... Arguments>
Complaint complain(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return Complaint::of(fmt::format(format, std::forward<Arguments>(arguments)...));
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_endpoint_name(std::string_view name) {
  auto const allowed = [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; };
  return !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, allowed);
}

bool is_graphic(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// The size of the unit at the end of `text`, which is taken off.
std::uint64_t take_unit(std::string_view& text, std::array<Unit, 4> const& units, std::uint64_t otherwise) {
  for (Unit const& unit : units) {
    if (!text.ends_with(unit.name)) continue;
    text.remove_suffix(unit.name.size());
    while (text.ends_with(' ')) text.remove_suffix(1);
    return unit.size;
  }
  return otherwise;
}

Read<EndpointKind> read_kind(std::string_view text) {
  if (text == "service") return EndpointKind::service;
  if (text == "broadcast") return EndpointKind::broadcast;
  if (text == "reject") return EndpointKind::reject;
  return complain("has the unknown kind '{}': it is service, broadcast or reject", text);
}

Read<EndpointConfig> check_endpoint(EndpointConfig endpoint) {
  if (!is_endpoint_name(endpoint.name))
    return complain("has the name '{}': it is 1 to {} of A-Z a-z 0-9 _ . -", endpoint.name, longest_name);
  if (std::ranges::find(taken_names, endpoint.name) != taken_names.end())
    return complain("has the name '{}', which is a path of the gateway's own", endpoint.name);
  if (endpoint.kind != EndpointKind::reject && !endpoint.reject_reason.empty())
    return complain("'{}' has a reason, which only the kind reject can have", endpoint.name);
  if (endpoint.reject_reason.size() > longest_reason)
    return complain("'{}' has a reason of {} bytes: at most {} fit into a close frame", endpoint.name,
                    endpoint.reject_reason.size(), longest_reason);
  return endpoint;
}

/// What the library finds wrong with a configuration.
template <class Checked>
std::optional<Complaint> fault_of(Checked const& checked) {
  try {
    check(checked);
    return std::nullopt;
  } catch (StartError const& error) {
    return complain("makes no sense: {}", error.what());
  }
}

}  // namespace

Read<std::uint64_t> read_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  if (!parse(text, number) || number < least || number > most)
    return complain("is '{}': it is a whole number from {} to {}", text, least, most);
  return number;
}

Read<std::uint64_t> read_bytes(std::string_view text, std::uint64_t least) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  std::string_view digits = text;
  std::uint64_t const unit = take_unit(digits, byte_units, 1);
  std::uint64_t number = 0;
  if (!parse(digits, number) || number > most / unit)
    return complain("is '{}': it is a number of bytes, such as 65536, 64KiB, 16MiB or 1GiB", text);
  if (number * unit < least) return complain("is '{}': it is at least {}", text, bytes_text(least));
  return number * unit;
}

Read<Config::Duration> read_seconds(std::string_view text, Config::Duration least, Config::Duration most) {
  std::string_view digits = text;
  auto const unit = static_cast<double>(take_unit(digits, time_units, 1000));
  double number = 0;
  if (!parse(digits, number) || !std::isfinite(number))
    return complain("is '{}': it is a number of seconds, such as 30 or 0.5, or one with ms, s, min or h",
                    text);
  double const milliseconds = std::round(number * unit);
  if (std::signbit(number) || milliseconds < static_cast<double>(least.count()) ||
      milliseconds > static_cast<double>(most.count()))
    return complain("is '{}': it is from {} to {}", text, seconds_text(least), seconds_text(most));
  return Config::Duration(std::llround(milliseconds));
}

Read<EndpointConfig> read_endpoint(std::string_view text) {
  auto const equals = text.find('=');
  if (equals == text.npos) return complain("is '{}': it is NAME=KIND or NAME=reject:REASON", text);
  auto const kind_text = text.substr(equals + 1);
  auto const colon = std::min(kind_text.find(':'), kind_text.size());
  auto const kind = read_kind(kind_text.substr(0, colon));
  if (!kind) return kind.error();
  auto const reason = kind_text.substr(std::min(colon + 1, kind_text.size()));
  return check_endpoint({std::string(text.substr(0, equals)), *kind, std::string(reason)});
}

Read<LogLevel> read_level(std::string_view text) {
  if (text == "debug") return LogLevel::debug;
  if (text == "info") return LogLevel::info;
  if (text == "warning") return LogLevel::warning;
  if (text == "error") return LogLevel::error;
  return complain("is '{}': it is debug, info, warning or error", text);
}

Read<std::string> read_token(std::string_view text) {
  if (!is_graphic(text)) return complain("is empty or has characters that no header can carry");
  return std::string(text);
}

Read<bool> read_toggle(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return complain("is '{}': it is true or false", text);
}

Read<std::string> read_text(std::string_view text) {
  if (text.empty()) return complain("is empty");
  return std::string(text);
}

Read<TokenConfig> read_token_hash(std::string_view text) {
  auto const after_name = text.find(':');
  auto const after_hash = after_name == text.npos ? text.npos : text.find(':', after_name + 1);
  if (after_hash == text.npos) return complain("is not of the form NAME:SHA256:SCOPE[,SCOPE...]");
  TokenConfig token{std::string(text.substr(0, after_name)),
                    std::string(text.substr(after_name + 1, after_hash - after_name - 1)),
                    {}};
  for (auto const& scope : std::views::split(text.substr(after_hash + 1), ','))
    token.scopes.emplace_back(scope.begin(), scope.end());
  if (token.scopes.empty()) return complain("makes no sense: token '{}' has no scope", token.name);
  Config config;
  config.tokens = {token};
  if (auto const fault = fault_of(config)) return *fault;
  return token;
}

Read<ClientCertificateConfig> read_certificate(std::string_view text) {
  constexpr std::string_view hash_mark = ":sha256=", subject_mark = ":subject=", scopes_mark = ":scopes=";
  auto const hash = text.find(hash_mark), subject = text.find(subject_mark);
  auto const name_end = std::min(hash, subject);
  auto const scopes = text.find(scopes_mark, std::min(name_end, text.size()));
  if (name_end == text.npos || scopes == text.npos)
    return complain("is '{}': it is NAME:sha256=HEX:scopes=SCOPE[,SCOPE...] or NAME:subject=DN:scopes=...",
                    text);
  ClientCertificateConfig certificate;
  certificate.name = text.substr(0, name_end);
  if (hash != text.npos && subject != text.npos)
    return complain("makes no sense: client certificate '{}': it has either sha256 or subject",
                    certificate.name);
  auto const value_at = name_end + (hash < subject ? hash_mark : subject_mark).size();
  (hash < subject ? certificate.sha256 : certificate.subject) = text.substr(value_at, scopes - value_at);
  for (auto const& scope : std::views::split(text.substr(scopes + scopes_mark.size()), ','))
    certificate.scopes.emplace_back(scope.begin(), scope.end());
  if (certificate.scopes.empty())
    return complain("makes no sense: client certificate '{}' has no scope", certificate.name);
  if (auto const fault = fault_of(certificate)) return *fault;
  return certificate;
}

Read<std::string> read_cookie_key(std::string_view text) {
  Config config;
  config.cookie_key = text;
  if (text.empty()) return complain("is empty");
  if (auto const fault = fault_of(config)) return *fault;
  return config.cookie_key;
}

Read<std::string> read_proxy(std::string_view text) {
  Config config;
  config.trusted_proxies = {std::string(text)};
  if (auto const fault = fault_of(config)) return *fault;
  return std::string(text);
}

Read<std::string> read_origin(std::string_view text) {
  auto authority = text;
  for (std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) authority = text.substr(scheme.size());
  }
  if (authority.size() == text.size() || !is_graphic(authority) ||
      authority.find_first_of("/?#@") != text.npos)
    // Not repeated: it may hold a password.
    return complain("is not of the form http://HOST[:PORT] or https://HOST[:PORT], without a path");
  return std::string(text);
}

std::string bytes_text(std::uint64_t bytes) {
  auto const unit = std::ranges::find_if(byte_units, [bytes](Unit const& u) { return bytes % u.size == 0; });
  return bytes == 0 ? "0 B" : fmt::format("{} {}", bytes / unit->size, unit->name);
}

std::string seconds_text(Config::Duration duration) {
  return fmt::format("{} s", static_cast<double>(duration.count()) / 1000);
}

}  // namespace reachback::service
