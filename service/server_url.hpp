#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "values.hpp"

namespace reachback::service {

/// A gateway's address as `attach` and `health` take it.
struct ServerUrl {
  std::string host;  ///< a name or an IP address, IPv6 without brackets
  std::uint16_t port = 0;
  bool tls = false;
};

/// HOST:PORT, or SCHEME://HOST[:PORT] of http, https, ws or wss; [HOST] for an IPv6 address.
[[nodiscard]] Read<ServerUrl> read_server_url(std::string_view text);

}  // namespace reachback::service
