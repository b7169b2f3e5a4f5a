#pragma once

#include <string>
#include <vector>

namespace reachback {

/// A client certificate that is good for something: known by its fingerprint, or by its subject, and then in
/// every certificate that the authority issues for it.
struct ClientCertificateConfig {
  std::string name;    ///< what logs and lists call who shows it
  std::string sha256;  ///< of the certificate (DER), 64 hex digits; colons between them do not count
  /// The whole subject as RFC 2253 writes it, the most special part first: "CN=lab-7,O=Example". Either this
  /// or `sha256`.
  std::string subject;
  std::vector<std::string> scopes;  ///< as those of a token

  bool operator==(ClientCertificateConfig const&) const = default;
};

}  // namespace reachback
