#include "gateway/subprotocol.hpp"

#include <algorithm>

#include "gateway/endpoint.hpp"
#include "reachback/proto/subprotocol.hpp"

namespace reachback::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Letter case counts: the client compares what is chosen with what it has offered.
bool lists(std::string_view list, std::string_view name) {
  while (true) {
    auto const comma = list.find(',');
    if (trimmed(list.substr(0, comma)) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

core::Pacing asked_pacing(wire::HttpFields const& fields, EndpointKind kind) {
  if (kind != EndpointKind::service) return core::Pacing::none;
  bool const offered = std::ranges::any_of(fields.all("Sec-WebSocket-Protocol"), [](std::string_view list) {
    return lists(list, proto::subprotocol_v1);
  });
  return offered ? core::Pacing::credits : core::Pacing::none;
}

bool is_gateways_own(Endpoint const& endpoint, std::string_view message) {
  return endpoint.kind() == EndpointKind::service && proto::read_control_message(message).has_value();
}

std::string_view subprotocol_of(core::Pacing pacing) {
  return pacing == core::Pacing::credits ? proto::subprotocol_v1 : std::string_view();
}

}  // namespace reachback::gateway
