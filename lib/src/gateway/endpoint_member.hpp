#pragma once

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "gateway/core.hpp"
#include "gateway/endpoint.hpp"
#include "gateway/service_message.hpp"

// What the two sources of Endpoint share: endpoint.cpp (connections, events, the end) and endpoint_calls.cpp.

namespace reachback::gateway {

/// How many calls end in one turn of the loop: each costs about a microsecond or two.
inline constexpr std::size_t ending_batch = 128;

/// Closes a connection when the token that it came with has expired.
class TokenEnd {
 public:
  TokenEnd(async::Shard& shard, core::TimePoint when, net::WebSocketConnection& connection)
      : connection_(connection), deadline_(shard, [this] { expire(); }) {
    deadline_.set(when);
  }

 private:
  void expire() { connection_.close(proto::CloseCode::policy, "the credential has expired"); }

  net::WebSocketConnection& connection_;
  async::Deadline deadline_;
};

/// A connection of the endpoint with what the lists show of it.
struct Endpoint::Member {
  Member(async::Shard& shard, Upgrade&& upgrade, ConnectionId id, net::ConnectionSettings const& settings,
         net::ConnectionSink& sink)
      : connection(shard, std::move(upgrade.taken.stream).attach(shard), id, settings, sink),
        input(std::move(upgrade.taken.input)),
        remote_address(std::move(upgrade.client)),
        user(std::move(upgrade.user)),
        permit(std::move(upgrade.taken.permit)),
        shares(std::move(upgrade.shares)),
        end(upgrade.end),
        pacing(upgrade.pacing),
        rights(upgrade.rights) {}

  net::WebSocketConnection connection;
  core::Buffer input;
  std::string remote_address, user;
  std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
  core::Permit permit;
  ConnectionShares shares;
  std::unique_ptr<ServiceMessageReader> reader;  ///< of a big message that is still coming
  std::optional<core::TimePoint> const end;
  std::unique_ptr<TokenEnd> token_end;  ///< apart: most connections have none
  core::Pacing const pacing;
  ConnectionRights const rights;
  bool dropped_before = false;
  bool told_to_go = false;
};

template <class Function>
void Endpoint::call_handler(Function const& function) {
  try {
    function();
  } catch (...) {
    core_.report(std::current_exception(), fmt::format("a callback of {}", name()));
  }
}

}  // namespace reachback::gateway
