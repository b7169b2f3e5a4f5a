#pragma once

#include <cstdint>

#include "net/tcp.hpp"

namespace reachback::net {

// What OpenSSL has to say, as errors whose messages a person understands.

/// What the other end is, as the messages call it.
enum class TlsPeer : std::uint8_t { server, client };

/// Why a certificate was not accepted: one of OpenSSL's `X509_V_ERR_...`.
[[nodiscard]] error_code certificate_error(long verify_result, TlsPeer peer);
/// The first entry of the calling thread's queue of OpenSSL errors, which is empty afterwards.
[[nodiscard]] error_code take_tls_error(TlsPeer peer = TlsPeer::server);
/// Whether a handshake failed because the client has sent a plain HTTP request.
[[nodiscard]] bool is_plain_http(error_code error);

}  // namespace reachback::net
