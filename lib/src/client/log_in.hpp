#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/http_connection.hpp"
#include "core/credit.hpp"

namespace reachback::client {

// What the dialer says to a gateway, and how it reads the answers: the original's log-in steps. Pure.

/// The value that a `Set-Cookie` field gives to `name`, as it stands; empty when none does, or the value is.
[[nodiscard]] std::string cookie_of(wire::HttpFields const& fields, std::string_view name);

/// `application/x-www-form-urlencoded`.
[[nodiscard]] std::string form_encode(std::string_view text);

[[nodiscard]] std::string log_in_page_request(Address const& gateway);
/// `xsrf` is the cookie's value as it stands.
[[nodiscard]] std::string log_in_request(Address const& gateway, std::string_view user,
                                         std::string_view password, std::string_view xsrf);
/// Offers `reachback.v1`. `credential` is a whole field without its line end, `Cookie: login=...` or
/// `Authorization: Bearer ...`; empty: the certificate of TLS is.
[[nodiscard]] std::string upgrade_request(Address const& gateway, std::string_view endpoint,
                                          std::string_view credential, std::string_view key);
/// RFC 6455, 4.1: all that the client must check of a 101, among it that no other subprotocol was chosen.
[[nodiscard]] bool accepts_upgrade(wire::HttpResponseHead const& head, std::string_view accept);
/// What a valid 101 has chosen: gateways that don't know the subprotocol name none.
[[nodiscard]] core::Pacing pacing_of(wire::HttpResponseHead const& head);

}  // namespace reachback::client
