#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "net/tls_files.hpp"
#include "net/tls_session.hpp"

namespace reachback::net {

struct TlsServerSettings {
  std::string certificate_file, key_file;  ///< PEM
  std::string client_ca_file;              ///< PEM; empty: clients are asked for no certificate
  bool client_required = false;            ///< a client without a certificate is turned away
};

/// What the server shows and asks of its clients: TLS 1.2 or later with forward secrecy and authenticated
/// encryption. Constant: any thread, and each session keeps what it was made with.
class TlsServerContext {
 public:
  /// Reads the files now.
  [[nodiscard]] static TlsResult<std::shared_ptr<TlsServerContext const>> load(
      TlsServerSettings const& settings);

  /// Waits for a client's handshake. A client's certificate, where one is shown, must be good for it to
  /// succeed.
  [[nodiscard]] std::unique_ptr<TlsSession> session() const;
  /// When the certificate does.
  [[nodiscard]] std::chrono::system_clock::time_point expires() const { return expires_; }
  /// Whether the files held the same.
  [[nodiscard]] bool same_files_as(TlsServerContext const& other) const { return read_ == other.read_; }

 private:
  TlsServerContext();
  [[nodiscard]] TlsResult<void> take(TlsServerSettings const& settings);

  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::chrono::system_clock::time_point expires_;
  std::string read_;  ///< all files, one behind the other
};

}  // namespace reachback::net
