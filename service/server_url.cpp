#include "server_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace reachback::service {
namespace {

struct Scheme {
  std::string_view prefix;
  std::uint16_t port;
  bool tls;
};

constexpr std::array schemes = {Scheme{"http://", 80, false}, Scheme{"https://", 443, true},
                                Scheme{"ws://", 80, false}, Scheme{"wss://", 443, true}};

Complaint complain(std::string_view text) {
  return Complaint::of(
      fmt::format("is '{}': it is HOST:PORT, http://HOST[:PORT] or https://HOST[:PORT]", text));
}

bool is_host(std::string_view host) {
  return !host.empty() && host.find_first_of("/?#@[]") == host.npos &&
         std::ranges::all_of(host, [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

/// Takes the host off, with the brackets that an IPv6 address has; empty when it is not whole.
std::string_view take_host(std::string_view& rest) {
  bool const bracketed = rest.starts_with('[');
  auto const end = rest.find(bracketed ? ']' : ':');
  if (bracketed && end == rest.npos) return {};
  auto const host = rest.substr(0, end);
  rest.remove_prefix(bracketed ? end + 1 : host.size());
  return bracketed ? host.substr(1) : host;
}

}  // namespace

Read<ServerUrl> read_server_url(std::string_view text) {
  ServerUrl url;
  auto rest = text;
  for (auto const& scheme : schemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    url.port = scheme.port;
    url.tls = scheme.tls;
    rest.remove_prefix(scheme.prefix.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }
  url.host = take_host(rest);
  if (!is_host(url.host) || rest.starts_with("://")) return complain(text);
  if (rest.empty() && url.port != 0) return url;
  if (!rest.starts_with(':')) return complain(text);
  auto const port = read_number(rest.substr(1), 1, 65535);
  if (!port) return Complaint::of("has a port that " + port.error().text());
  url.port = static_cast<std::uint16_t>(*port);
  return url;
}

}  // namespace reachback::service
