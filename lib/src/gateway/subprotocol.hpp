#pragma once

#include <string_view>

#include "core/credit.hpp"
#include "reachback/config.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

/// What a client's upgrade asks of an endpoint of that kind: `credits` when it is a service's and
/// `reachback.v1` is among the offered subprotocols.
[[nodiscard]] core::Pacing asked_pacing(wire::HttpFields const& fields, EndpointKind kind);

/// The subprotocol that the answer to such an upgrade names as chosen; empty: none.
[[nodiscard]] std::string_view subprotocol_of(core::Pacing pacing);

}  // namespace reachback::gateway
