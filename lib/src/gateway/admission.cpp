#include "gateway/admission.hpp"

#include <utility>

#include "async/run_on.hpp"

namespace reachback::gateway {
Admission::Admission(Config::Limits const& limits, TrustedProxies const& proxies)
    : proxies_(proxies), addresses_(or_unlimited(limits.address_connections)) {
  if (limits.handshake_rate != 0) handshakes_.emplace(limits.handshake_rate);
}

std::optional<core::AddressTable::Place> Admission::enter(Address const& peer) {
  bool const counts = addresses_.limit() != core::Budget::unlimited && !proxies_.trust(peer);
  return counts ? addresses_.enter(who_may_be_at(peer)) : core::AddressTable::Place();
}

async::Task<std::optional<core::Permit>> Admission::enter_behind_proxy(ClientView client) {
  std::optional<core::Permit> share;
  if (addresses_.limit() == core::Budget::unlimited || !client.behind_proxy) {
    share.emplace();
    co_return share;
  }
  auto enter = [this, address = std::move(client.address)] { return addresses_.enter(address); };
  auto place = co_await async::run_on(*home_, std::move(enter));
  if (place && place->within) share = std::move(place->permit);
  co_return share;
}

async::Task<bool> Admission::handshake() {
  if (!handshakes_) co_return true;
  auto take = [this] { return handshakes_->take(home_->now()); };
  bool const taken = co_await async::run_on(*home_, std::move(take));
  co_return taken;
}

}  // namespace reachback::gateway
