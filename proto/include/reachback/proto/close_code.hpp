#pragma once

#include <cstddef>
#include <cstdint>

namespace reachback::proto {

/// WebSocket close codes that we send (http-api.md, last paragraph). A code that a peer sent may be any other
/// number.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  bad_payload = 1007,
  policy = 1008,
  too_big = 1009,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  closed_by_operator = 4000,
  slow_consumer = 4408,
};

/// The longest reason that fits into a close frame (RFC 6455, 5.5).
inline constexpr std::size_t max_close_reason = 123;

}  // namespace reachback::proto
