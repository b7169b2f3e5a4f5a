#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace reachback::proto {

/// Names an outstanding call on the wire (the key `callId`; the seed's dataSequenceNum). Unique in the
/// process, rising per endpoint, below 2^53 so that a JavaScript service can repeat it.
enum class CallId : std::uint64_t {};

/// Names one open WebSocket. Unique in the process and never used again.
enum class ConnectionId : std::uint64_t {};

constexpr std::uint64_t to_number(CallId id) { return static_cast<std::uint64_t>(id); }
constexpr std::uint64_t to_number(ConnectionId id) { return static_cast<std::uint64_t>(id); }

/// The largest number that a `callId` may have on the wire: every JSON reader keeps it exact.
inline constexpr std::uint64_t max_call_id = (std::uint64_t{1} << 53) - 1;

}  // namespace reachback::proto
