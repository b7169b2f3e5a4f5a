#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reachback::client {

/// The gateway's own word on a connection: `{"cmd":"error","status":401,"error":"..."}`.
struct GatewayError {
  int status = 0;
  std::string text;

  /// No valid credential, or not enough rights: the same credential will fare no better next time.
  [[nodiscard]] bool refuses_credential() const { return status == 401 || status == 403; }
};

/// Nothing when `message` is anything else, e.g. a request.
[[nodiscard]] std::optional<GatewayError> read_gateway_error(std::string_view message);

}  // namespace reachback::client
