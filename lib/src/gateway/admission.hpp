#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "core/address_table.hpp"
#include "core/bound.hpp"
#include "core/budget.hpp"
#include "core/token_bucket.hpp"
#include "gateway/trusted_proxies.hpp"
#include "reachback/config.hpp"

namespace reachback::gateway {

/// Of a setting where 0 stands for no limit.
[[nodiscard]] constexpr std::size_t or_unlimited(std::size_t limit) {
  return limit == 0 ? core::Budget::unlimited : limit;
}

/// A connection's shares of the limits on connections, given back when it closes.
struct ConnectionShares {
  core::Permit regular;   ///< of the connection limit without the reserve
  core::Permit address;   ///< of its client address
  core::Permit endpoint;  ///< of a WebSocket's endpoint
};

/// What a connection may ask for: one that has no standing gets probes answered and nothing else.
enum class Standing : std::uint8_t { regular, over_connection_limit, over_address_limit };

/// Bounds that need a memory of who came: connections per client address, WebSocket handshakes per second.
/// That memory is the listener's shard's; the shares may die on any shard.
///
/// A TCP connection counts for its peer unless that is a trusted proxy. What a proxy brings counts where it
/// holds something for long, and for the client that the proxy names: WebSockets and event streams.
class Admission {
 public:
  using Address = boost::asio::ip::address;

  Admission(Config::Limits const& limits, TrustedProxies const& proxies);

  /// Where all is counted from now on; before anybody comes.
  void live_on(async::Shard& shard) { home_ = &shard; }

  // On the listener's shard.

  /// A TCP connection; nothing when it is not even worth an answer.
  [[nodiscard]] std::optional<core::AddressTable::Place> enter(Address const& peer);
  [[nodiscard]] core::AddressTable const& addresses() const { return addresses_; }

  // On any shard.

  /// The share of what a proxy brings for a client; of what comes by itself an empty one, since its
  /// connection has one. Nothing when its address is at its limit.
  [[nodiscard]] async::Task<std::optional<core::Permit>> enter_behind_proxy(ClientView client);
  /// Whether one more WebSocket may be opened in this second.
  [[nodiscard]] async::Task<bool> handshake();

 private:
  TrustedProxies const& proxies_;
  core::AddressTable addresses_;
  std::optional<core::TokenBucket> handshakes_;
  async::Shard* home_ = nullptr;
};

}  // namespace reachback::gateway
