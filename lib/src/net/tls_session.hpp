#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/tcp.hpp"

struct ssl_st;

namespace reachback::net {

/// The certificate that a peer has shown, and that was found good.
struct PeerCertificate {
  std::string sha256;   ///< of the certificate itself (DER), 32 bytes
  std::string subject;  ///< as RFC 2253 writes it: "CN=lab-7,O=Example"
  std::chrono::system_clock::time_point expires;
};

/// TLS in either role over one non-blocking socket, which it does not own. Nothing here waits: each step goes
/// as far as the socket lets it and fails with `would_block` where that ends; `read_wait` and `write_wait`
/// then say what to wait for. (A step in one direction may need the other one: TLS has messages of its own.)
///
/// Errors are those of the socket and those of net/tls_error.hpp. `eof` is the peer's announced end; a stream
/// that ends without one was cut off, and that is another error.
class TlsSession {
 public:
  /// Takes over an SSL whose role, certificates and checks are set.
  explicit TlsSession(ssl_st* ssl);
  TlsSession(TlsSession const&) = delete;
  TlsSession& operator=(TlsSession const&) = delete;

  /// Which socket it reads and writes.
  void attach(int socket) { socket_ = socket; }
  /// The socket is about to close: what is tried from now on fails, and reaches no other file.
  void detach() { attach(-1); }

  /// No error: the connection is secured, and the peer is who it should be.
  [[nodiscard]] error_code handshake();
  std::size_t read_some(std::span<char> room, error_code& error);
  /// After `would_block` the same bytes come again first, from wherever they are then.
  std::size_t write_some(std::string_view bytes, error_code& error);
  /// The same with bytes that lie in several places: small pieces share a record.
  std::size_t write_some(std::span<std::string_view const> pieces, error_code& error);
  /// Tells the peer that nothing more comes.
  [[nodiscard]] error_code end_output();

  /// After the handshake; nothing when the peer has shown none.
  [[nodiscard]] std::optional<PeerCertificate> peer_certificate() const;

  /// Bytes may be here that no wait for the socket would announce: try to read first.
  [[nodiscard]] bool holds_input() const { return holds_input_; }
  [[nodiscard]] Socket::wait_type read_wait() const { return read_wait_; }
  [[nodiscard]] Socket::wait_type write_wait() const { return write_wait_; }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  [[nodiscard]] error_code failure_of(int result, Socket::wait_type& wait);

  int socket_ = -1;  ///< OpenSSL looks here
  std::unique_ptr<ssl_st, Free> ssl_;
  bool holds_input_ = true;
  Socket::wait_type read_wait_ = Socket::wait_read;
  Socket::wait_type write_wait_ = Socket::wait_write;
  std::size_t blocked_ = 0;  ///< bytes that OpenSSL has taken for a record that is not sent
};

}  // namespace reachback::net
