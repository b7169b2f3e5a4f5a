#pragma once

#include <cstddef>
#include <functional>

#include "reachback/proto/ids.hpp"

namespace reachback::client {

/// One answer of ours. While a service moves from one gateway to another it is connected to both, and they
/// may use the same ids of calls.
struct AnswerId {
  proto::ConnectionId connection{};
  proto::CallId call{};
  bool operator==(AnswerId const&) const = default;
};

struct AnswerIdHash {
  std::size_t operator()(AnswerId const& answer) const {
    return std::hash<proto::CallId>()(answer.call) * 31 + std::hash<proto::ConnectionId>()(answer.connection);
  }
};

}  // namespace reachback::client
