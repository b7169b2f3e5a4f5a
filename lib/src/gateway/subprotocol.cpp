#include "gateway/subprotocol.hpp"

#include <algorithm>

#include "gateway/endpoint.hpp"
#include "gateway/field_text.hpp"
#include "reachback/proto/subprotocol.hpp"

namespace reachback::gateway {

core::Pacing asked_pacing(wire::HttpFields const& fields, EndpointKind kind) {
  if (kind != EndpointKind::service) return core::Pacing::none;
  // Letter case counts: the client compares what is chosen with what it has offered.
  auto const offers = list_elements(fields, "Sec-WebSocket-Protocol");
  bool const offered = std::ranges::find(offers, proto::subprotocol_v1) != offers.end();
  return offered ? core::Pacing::credits : core::Pacing::none;
}

bool is_gateways_own(Endpoint const& endpoint, std::string_view message) {
  return endpoint.kind() == EndpointKind::service && proto::read_control_message(message).has_value();
}

std::string_view subprotocol_of(core::Pacing pacing) {
  return pacing == core::Pacing::credits ? proto::subprotocol_v1 : std::string_view();
}

}  // namespace reachback::gateway
