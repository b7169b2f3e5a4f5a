#include "gateway/request_parameters.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace reachback::gateway {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view take_until(std::string_view& text, char separator) {
  auto const end = std::min(text.find(separator), text.size());
  std::string_view const taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trim(taken);
}

/// A decimal number without sign or exponent.
std::optional<double> read_number(std::string_view text) {
  double value = 0;
  auto const [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  bool const digits_only = text.find_first_not_of("0123456789.") == std::string_view::npos;
  if (text.empty() || !digits_only || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<double> preferred_wait(wire::HttpFields const& fields) {
  for (std::string_view line : fields.all("Prefer")) {
    while (!line.empty()) {
      std::string_view preference = take_until(line, ',');
      std::string_view pair = take_until(preference, ';');
      std::string_view const name = take_until(pair, '=');
      if (wire::equal_ignoring_case(name, "wait")) return read_number(trim(pair));
    }
  }
  return std::nullopt;
}

struct MediaRange {
  std::string_view type;
  double weight = 1;
};

MediaRange read_range(std::string_view text) {
  MediaRange range;
  range.type = take_until(text, ';');
  while (!text.empty()) {
    std::string_view parameter = take_until(text, ';');
    std::string_view const name = take_until(parameter, '=');
    if (wire::equal_ignoring_case(name, "q")) range.weight = read_number(trim(parameter)).value_or(1);
  }
  return range;
}

std::optional<FormName> form_of(std::string_view type) {
  if (wire::equal_ignoring_case(type, "application/x-ndjson")) return FormName::ndjson;
  if (wire::equal_ignoring_case(type, "application/octet-stream")) return FormName::octet_stream;
  if (wire::equal_ignoring_case(type, "application/json") || type == "*/*" ||
      wire::equal_ignoring_case(type, "application/*")) {
    return FormName::json;
  }
  return std::nullopt;
}

}  // namespace

Result<CallParameters> read_call_parameters(RequestTarget const& target, wire::HttpFields const& fields,
                                            Config const& config) {
  auto const timeout = read_timeout(target, fields, config);
  if (!timeout) return timeout.error();
  auto const connection = read_connection(target);
  if (!connection) return connection.error();
  auto const form = read_form_name(fields);
  if (!form) return form.error();
  if (auto const type = check_json_type(fields); !type) return type.error();
  return CallParameters{*timeout, *connection, *form};
}

Result<core::Duration> read_timeout(RequestTarget const& target, wire::HttpFields const& fields,
                                    Config const& config) {
  double const longest = std::chrono::duration<double>(config.timeouts.longest_call).count();
  std::optional<double> seconds;
  if (auto const parameter = target.parameter("timeout")) {
    seconds = read_number(*parameter).value_or(0);
  } else {
    seconds = preferred_wait(fields);
  }
  if (!seconds) return core::Duration(config.timeouts.call);
  if (!(*seconds > 0 && *seconds <= longest)) {
    return Failure{Problem::bad_parameter,
                   fmt::format("a time-out is a number of seconds over 0 and up to {}", longest),
                   Delivery::not_sent};
  }
  return std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(*seconds));
}

std::optional<ConnectionId> read_connection_id(std::string_view text) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return ConnectionId{number};
}

Result<std::optional<ConnectionId>> read_connection(RequestTarget const& target) {
  auto const parameter = target.parameter("connection");
  if (!parameter) return std::optional<ConnectionId>();
  auto const id = read_connection_id(*parameter);
  if (!id)
    return Failure{Problem::no_connection, "that connection is not on this endpoint", Delivery::not_sent};
  return std::optional<ConnectionId>(id);
}

Result<FormName> read_form_name(wire::HttpFields const& fields) {
  if (!fields.has("Accept")) return FormName::json;
  std::optional<FormName> best;
  double best_weight = 0;
  bool empty = true;
  for (std::string_view line : fields.all("Accept")) {
    while (!line.empty()) {
      MediaRange const range = read_range(take_until(line, ','));
      empty = empty && range.type.empty();
      auto const form = form_of(range.type);
      if (!form || range.weight <= best_weight) continue;
      best = form;
      best_weight = range.weight;
    }
  }
  if (best) return *best;
  if (empty) return FormName::json;
  return Failure{Problem::not_acceptable,
                 "answers come as application/json, application/x-ndjson or application/octet-stream",
                 Delivery::not_sent};
}

Result<void> check_json_type(wire::HttpFields const& fields) {
  std::string_view type = fields.get("Content-Type");
  if (type.empty() || wire::equal_ignoring_case(take_until(type, ';'), "application/json")) return {};
  return Failure{Problem::unsupported_media_type,
                 "send a JSON object with -H 'Content-Type: application/json'", Delivery::not_sent};
}

}  // namespace reachback::gateway
