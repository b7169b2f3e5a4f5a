#pragma once

#include "net/tcp.hpp"

namespace reachback::net {

// What OpenSSL has to say, as errors whose messages a person understands.

/// Why a certificate was not accepted: one of OpenSSL's `X509_V_ERR_...`.
[[nodiscard]] error_code certificate_error(long verify_result);
/// The first entry of the calling thread's queue of OpenSSL errors, which is empty afterwards.
[[nodiscard]] error_code take_tls_error();

}  // namespace reachback::net
