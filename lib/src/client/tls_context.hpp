#pragma once

#include <memory>
#include <string>

#include "net/tls_session.hpp"

struct ssl_ctx_st;

namespace reachback::client {

/// Whom the client trusts, and what it asks of a gateway's TLS: version 1.2 or later, and a valid certificate
/// for the very host. There is no way around the check: who has a certificate of their own names it as the CA
/// file.
class TlsContext {
 public:
  /// Trusts the certificates in `ca_file` (PEM) and no others, or the system's when it is empty. Reads them
  /// now. Throws StartError when there are none to be read.
  explicit TlsContext(std::string const& ca_file);

  /// A session that will accept `host`, a name or an IP address, and nobody else. Throws StartError when it
  /// is neither.
  [[nodiscard]] std::unique_ptr<net::TlsSession> session_with(std::string const& host) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace reachback::client
