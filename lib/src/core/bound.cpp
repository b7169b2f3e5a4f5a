#include "core/bound.hpp"

namespace reachback::core {

std::string_view to_string(Bound bound) {
  static constexpr std::array<std::string_view, Refusals::bounds> names{
      "connection-limit",
      "connection-reserve",
      "address-connection-limit",
      "endpoint-connection-limit",
      "handshake-rate",
      "event-stream-limit",
      "head-limit",
      "request-limit",
      "body-budget",
      "message-limit",
      "receive-budget",
      "part-limit",
      "call-limit",
      "connection-call-limit",
      "call-budget",
      "total-part-budget",
      "outbox-limit",
      "total-outbox-budget",
      "subscriber-limit",
      "login-limit",
      "login-pause",
      "head-timeout",
      "body-timeout",
      "write-timeout",
      "idle-timeout",
      "silence-timeout",
      "close-timeout",
  };
  return names[static_cast<std::size_t>(bound)];
}

}  // namespace reachback::core
