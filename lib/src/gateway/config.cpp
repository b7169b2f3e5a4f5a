#include "reachback/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reachback/errors.hpp"
#include "reachback/proto/close_code.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback {
namespace {

constexpr unsigned most_threads = 256;
constexpr std::size_t longest_name = 64;

void require(bool holds, std::string const& otherwise) {
  if (!holds) throw StartError(otherwise);
}

void check_limits(Config::Limits const& limits) {
  std::pair<char const*, std::size_t> const positive[] = {{"message", limits.message},
                                                          {"request", limits.request},
                                                          {"head", limits.head},
                                                          {"part", limits.part},
                                                          {"calls", limits.calls},
                                                          {"call budget", limits.call_budget},
                                                          {"parts budget", limits.parts_budget},
                                                          {"outbox", limits.outbox},
                                                          {"outboxes budget", limits.outboxes_budget},
                                                          {"receive budget", limits.receive_budget},
                                                          {"body budget", limits.body_budget},
                                                          {"subscriber", limits.subscriber}};
  for (auto const& [name, value] : positive)
    require(value > 0, fmt::format("the {} limit has to be over 0", name));
}

void check_timeouts(Config::Timeouts const& timeouts) {
  std::pair<char const*, Config::Duration> const positive[] = {
      {"call", timeouts.call},       {"head", timeouts.head},  {"body", timeouts.body},
      {"write", timeouts.write},     {"idle", timeouts.idle},  {"ping", timeouts.ping},
      {"silence", timeouts.silence}, {"close", timeouts.close}};
  for (auto const& [name, value] : positive) {
    require(value > Config::Duration(0), fmt::format("the {} time has to be over 0", name));
  }
  require(timeouts.drain_wait >= Config::Duration(0) && timeouts.drain_grace >= Config::Duration(0),
          "the drain times cannot be negative");
  require(timeouts.call <= timeouts.longest_call,
          "the default time-out of calls is longer than the longest allowed");
}

}  // namespace

std::string_view to_string(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::service:
      return "service";
    case EndpointKind::broadcast:
      return "broadcast";
    case EndpointKind::reject:
      break;
  }
  return "reject";
}

void check(EndpointConfig const& endpoint) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  bool const good_name = !endpoint.name.empty() && endpoint.name.size() <= longest_name &&
                         endpoint.name != "." && endpoint.name != ".." &&
                         endpoint.name.find_first_not_of(letters) == std::string::npos;
  require(good_name, fmt::format("endpoint '{}': a name has 1 to {} of the characters A-Z a-z 0-9 _ . -",
                                 endpoint.name, longest_name));
  static std::set<std::string_view> const taken{"v1",      "login",   "logout",  "livez",   "readyz",
                                                "healthz", "metrics", "version", "problems"};
  require(!taken.contains(endpoint.name),
          fmt::format("endpoint '{}': the gateway has a page there", endpoint.name));
  require(endpoint.reject_reason.size() <= proto::max_close_reason &&
              proto::is_valid_utf8(endpoint.reject_reason),
          fmt::format("endpoint '{}': a reject reason has at most {} bytes of UTF-8", endpoint.name,
                      proto::max_close_reason));
}

void check(Config const& config) {
  require(config.threads >= 1 && config.threads <= most_threads,
          fmt::format("threads: from 1 to {}", most_threads));
  std::set<std::string_view> names;
  for (auto const& endpoint : config.endpoints) {
    check(endpoint);
    require(names.insert(endpoint.name).second, fmt::format("endpoint '{}' is there twice", endpoint.name));
  }
  for (auto const& token : config.tokens) require(!token.empty(), "a token cannot be empty");
  check_limits(config.limits);
  check_timeouts(config.timeouts);
}

}  // namespace reachback
