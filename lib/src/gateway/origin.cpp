#include "gateway/origin.hpp"

#include <algorithm>

namespace reachback::gateway {
namespace {

std::string_view authority_of(std::string_view origin) {
  auto const scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ? std::string_view() : origin.substr(scheme_end + 3);
}

bool is_allowed(std::string_view origin, std::vector<std::string> const& allowed) {
  return !origin.empty() && std::any_of(allowed.begin(), allowed.end(), [&](std::string const& entry) {
    return wire::equal_ignoring_case(entry, origin);
  });
}

}  // namespace

bool comes_from_elsewhere(wire::HttpFields const& fields, std::vector<std::string> const& allowed) {
  std::string_view const origin = fields.get("Origin");
  if (is_allowed(origin, allowed)) return false;
  if (wire::equal_ignoring_case(fields.get("Sec-Fetch-Site"), "cross-site")) return true;
  if (!fields.has("Origin")) return false;
  std::string_view const authority = authority_of(origin);
  return authority.empty() || !wire::equal_ignoring_case(authority, fields.get("Host"));
}

net::FieldLines cors_fields(wire::HttpFields const& fields, std::vector<std::string> const& allowed) {
  net::FieldLines lines;
  std::string_view const origin = fields.get("Origin");
  if (!is_allowed(origin, allowed)) return lines;
  lines.add("Access-Control-Allow-Origin", origin);
  lines.add("Access-Control-Allow-Credentials", "true");
  lines.add("Access-Control-Expose-Headers",
            "Reachback-Status, Reachback-Call-Id, Reachback-Connection, Server-Timing, Retry-After");
  lines.add("Vary", "Origin");
  return lines;
}

}  // namespace reachback::gateway
