#pragma once

#include <string_view>

#include "core/credit.hpp"
#include "reachback/config.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

class Endpoint;

/// What a client's upgrade asks of an endpoint of that kind: `credits` when it is a service's and
/// `reachback.v1` is among the offered subprotocols.
[[nodiscard]] core::Pacing asked_pacing(wire::HttpFields const& fields, EndpointKind kind);

/// Whether a service on that endpoint would take the message for one of the gateway's own.
[[nodiscard]] bool is_gateways_own(Endpoint const& endpoint, std::string_view message);

/// The subprotocol that the answer to such an upgrade names as chosen; empty: none.
[[nodiscard]] std::string_view subprotocol_of(core::Pacing pacing);

}  // namespace reachback::gateway
