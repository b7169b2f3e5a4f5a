#include "reachback/gateway.hpp"

#include "gateway/core.hpp"

namespace reachback {

/// What the public class hides: the core, and the seed's view of it.
struct Gateway::Impl {
  Impl(Config config, async::Clock& clock) : core(std::move(config), clock), state(core) {}

  gateway::Core core;
  WebSocketState state;
};

Gateway::Gateway(Config config) : Gateway(std::move(config), async::steady_clock()) {}
Gateway::Gateway(Config config, async::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(config), clock)) {}
Gateway::~Gateway() = default;

void Gateway::add_handler(BaseWebSocketHandler& handler) { impl_->core.add_handler(handler); }
void Gateway::start() { impl_->core.start(); }
std::uint16_t Gateway::port() const { return impl_->core.port(); }
void Gateway::set_jwt_keys(std::string_view jwk_set) { impl_->core.set_jwt_keys(jwk_set); }
void Gateway::shut_down(Config::Duration drain_wait) { impl_->core.shut_down(drain_wait); }
void Gateway::stop_now() { impl_->core.stop_now(); }
void Gateway::wait() { impl_->core.wait(); }
void Gateway::reload(ReloadReason reason) { impl_->core.reload(reason); }
WebSocketState& Gateway::state() { return impl_->state; }
gateway::Core& Gateway::core() { return impl_->core; }

}  // namespace reachback
