#pragma once

#include <optional>
#include <string_view>

#include "core/deadline_table.hpp"
#include "gateway/form_name.hpp"
#include "gateway/request_target.hpp"
#include "reachback/config.hpp"
#include "reachback/errors.hpp"
#include "wire/http_head.hpp"

namespace reachback::gateway {

/// What the head of a call says about it.
struct CallParameters {
  core::Duration timeout{};
  std::optional<ConnectionId> connection;
  FormName form = FormName::json;
};
/// All of them, or what is wrong with the first that is.
[[nodiscard]] Result<CallParameters> read_call_parameters(RequestTarget const& target,
                                                          wire::HttpFields const& fields,
                                                          Config const& config);

/// The time-out of a call: `timeout=SECONDS` of the query, else `Prefer: wait=SECONDS` (RFC 7240), else the
/// default.
[[nodiscard]] Result<core::Duration> read_timeout(RequestTarget const& target, wire::HttpFields const& fields,
                                                  Config const& config);
/// `connection=ID`; what is no id is an unknown connection.
[[nodiscard]] Result<std::optional<ConnectionId>> read_connection(RequestTarget const& target);
[[nodiscard]] std::optional<ConnectionId> read_connection_id(std::string_view text);
/// The form of answer that `Accept` asks for most.
[[nodiscard]] Result<FormName> read_form_name(wire::HttpFields const& fields);
/// Whether the Content-Type is JSON or absent.
[[nodiscard]] Result<void> check_json_type(wire::HttpFields const& fields);

}  // namespace reachback::gateway
