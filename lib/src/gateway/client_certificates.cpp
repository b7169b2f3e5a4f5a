#include "gateway/client_certificates.hpp"

#include <memory>

#include "gateway/secrets.hpp"

namespace reachback::gateway {
namespace {

constexpr std::size_t fingerprint_size = 32;

}  // namespace

std::optional<std::string> read_fingerprint(std::string text) {
  std::erase(text, ':');
  auto bytes = from_hex(text);
  return bytes && bytes->size() == fingerprint_size ? bytes : std::nullopt;
}

ClientCertificates::ClientCertificates(std::vector<ClientCertificateConfig> const& known) {
  for (auto const& one : known) {
    std::string const sha256 = one.sha256.empty() ? std::string() : read_fingerprint(one.sha256).value();
    known_.push_back({one.name, sha256, one.subject, *Scopes::read(one.scopes)});
  }
}

std::optional<Identity> ClientCertificates::identify(net::PeerCertificate const& certificate,
                                                     std::chrono::system_clock::time_point now) const {
  if (now >= certificate.expires) return std::nullopt;
  Known const* found = nullptr;
  for (auto const& one : known_) {
    if (one.sha256 == certificate.sha256) {
      found = &one;
      break;
    }
    if (!one.subject.empty() && one.subject == certificate.subject) found = &one;
  }
  if (found == nullptr) return std::nullopt;
  return Identity{found->name, {std::shared_ptr<void>(), &found->scopes}, certificate.expires};
}

bool has_own_credential(wire::HttpFields const& fields) {
  return !fields.get("Authorization").empty() || !cookie(fields, "login").empty();
}

}  // namespace reachback::gateway
