#pragma once

#include <memory>
#include <string>

#include "net/tls_session.hpp"

struct ssl_ctx_st;

namespace reachback::client {

/// PEM files of the client's side of TLS, each empty where there is none.
struct TlsFiles {
  std::string ca_file;           ///< trusted, and no others; empty: the system's certificates are
  std::string certificate_file;  ///< what the client shows when it is asked, with its chain behind it
  std::string key_file;          ///< its key, without a password
};

/// Whom the client trusts, and what it asks of a gateway's TLS: version 1.2 or later, and a valid certificate
/// for the very host. Who has a certificate of their own names it as the CA file.
class TlsContext {
 public:
  /// Reads the files now. Throws StartError when one cannot be used.
  explicit TlsContext(TlsFiles const& files);

  /// A session that will accept `host`, a name or an IP address, and nobody else. Throws StartError when it
  /// is neither.
  [[nodiscard]] std::unique_ptr<net::TlsSession> session_with(std::string const& host) const;
  /// A session that accepts whoever answers: for asking one's own machine what is no secret.
  [[nodiscard]] std::unique_ptr<net::TlsSession> unchecked_session() const;

 private:
  [[nodiscard]] std::unique_ptr<net::TlsSession> new_session(ssl_st*& ssl) const;

  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace reachback::client
