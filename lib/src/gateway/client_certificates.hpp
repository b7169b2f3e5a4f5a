#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gateway/credentials.hpp"
#include "net/tls_session.hpp"
#include "reachback/client_certificate.hpp"

namespace reachback::gateway {

/// Knows whom each client certificate stands for. Constant after construction: any thread.
class ClientCertificates {
 public:
  /// They have been checked.
  explicit ClientCertificates(std::vector<ClientCertificateConfig> const& known);

  /// Whose certificate it is: one known by its fingerprint goes before one known by its subject. Nobody's
  /// when it is unknown, or has expired since it was shown.
  [[nodiscard]] std::optional<Identity> identify(net::PeerCertificate const& certificate,
                                                 std::chrono::system_clock::time_point now) const;

 private:
  struct Known {
    std::string name, sha256, subject;
    Scopes scopes;
  };
  std::vector<Known> known_;
};

/// The bytes of a fingerprint in hex, with or without colons; nothing when it is none.
[[nodiscard]] std::optional<std::string> read_fingerprint(std::string text);

/// Whether the request carries a credential of its own, be it good or not: then no certificate speaks for it.
[[nodiscard]] bool has_own_credential(wire::HttpFields const& fields);

}  // namespace reachback::gateway
