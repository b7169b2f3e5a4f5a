#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reachback::bench {

enum class Wanted : std::uint8_t { call, message, service, subscriber, nothing };

/// What the relay wants to know of a request. It understands what the load tool writes, not HTTP: field names
/// in their usual spelling, one space behind the colon, a body with Content-Length.
struct HttpRequest {
  Wanted wanted = Wanted::nothing;
  bool as_lines = false;           ///< Accept: application/x-ndjson
  std::string_view websocket_key;  ///< of an upgrade
  std::size_t head = 0;            ///< size of the head
  std::size_t body = 0;            ///< size of the body
};

/// Nothing while the head is incomplete.
[[nodiscard]] std::optional<HttpRequest> read_http_request(std::string_view bytes);

}  // namespace reachback::bench
