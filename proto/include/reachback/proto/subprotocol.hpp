#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reachback/proto/ids.hpp"

namespace reachback::proto {

/// The WebSocket subprotocol that a service may ask for: its answers are paced by credits, and it gets the
/// gateway's own messages (http-api.md). Compared byte for byte.
inline constexpr std::string_view subprotocol_v1 = "reachback.v1";

/// What the gateway says to a service that chose `reachback.v1`, beside its requests. A request carries
/// `timeoutMs`, these never do, and what is sent to services beside requests may not look like one of these:
/// so no caller can put words into the gateway's mouth.
struct ControlMessage {
  enum class Kind : std::uint8_t {
    credit,  ///< `parts` more of the answer `call_id` may be sent
    cancel,  ///< nobody waits for the answer `call_id` any more
    goaway   ///< the gateway is about to leave: no new requests come
  } kind{};
  CallId call_id{};         ///< not of a goaway
  std::uint32_t parts = 0;  ///< of a credit, at least 1
};

[[nodiscard]] std::string to_json(ControlMessage const& message);

/// Nothing when `message` is anything else, e.g. a request, or malformed. Longer ones than these can be are
/// not read at all.
[[nodiscard]] std::optional<ControlMessage> read_control_message(std::string_view message);

}  // namespace reachback::proto
