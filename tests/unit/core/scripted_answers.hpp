#pragma once

#include <chrono>
#include <cstdint>

#include "core/endpoint_state.hpp"

namespace reachback::core::testing {

using namespace std::chrono_literals;

inline constexpr TimePoint start{1h};
inline constexpr proto::ConnectionId first_service{11}, second_service{12}, third_service{13};

/// Numbers for calls, rising over the whole program.
inline proto::CallId next_call_id() {
  static std::uint64_t last = 1000;
  return proto::CallId{++last};
}

inline CallerRef caller(std::uint32_t slot) { return {.shard = 1, .slot = slot, .generation = 7}; }

/// A message with data, as a service sends it.
inline proto::Answer part(proto::CallId id, std::uint32_t part_id, std::uint32_t count) {
  proto::Answer answer;
  answer.call_id = id;
  answer.status = 200;
  answer.has_data = true;
  answer.position = proto::PartPosition{part_id, count};
  return answer;
}

inline proto::Answer whole(proto::CallId id) { return part(id, 1, 1); }

/// One whose `numParts` or `partId` break the rules.
inline proto::Answer out_of_range(proto::CallId id) {
  auto answer = whole(id);
  answer.position.reset();
  return answer;
}

inline CallRequest to_newest(std::uint32_t slot, Duration timeout = 60s) {
  return {.caller = caller(slot), .connection = std::nullopt, .timeout = timeout};
}

inline CallRequest to(proto::ConnectionId connection, std::uint32_t slot, Duration timeout = 60s) {
  return {.caller = caller(slot), .connection = connection, .timeout = timeout};
}

}  // namespace reachback::core::testing
