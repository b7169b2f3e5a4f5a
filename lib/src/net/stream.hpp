#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "net/tcp.hpp"
#include "net/tls_session.hpp"

namespace reachback::net {

class Stream;

/// A stream between two shards: belongs to none, with no operation pending. What TLS holds of it moves along.
class LooseStream {
 public:
  /// Takes the stream off its shard.
  explicit LooseStream(Stream stream);

  /// Makes it a stream of that shard; call on its thread.
  [[nodiscard]] Stream attach(async::Shard& shard) &&;

 private:
  LooseSocket socket_;
  std::unique_ptr<TlsSession> tls_;
};

/// A TCP connection as a stream of bytes, plain or with TLS above it. Reading and writing never wait: what is
/// not possible now fails with `would_block`, and `wait_readable` or `wait_writable` tell when to try again.
/// On its socket's shard. The socket is non-blocking (see `tune`).
class Stream {
 public:
  /// A plain one, as every socket is by itself.
  Stream(Socket socket) : socket_(std::move(socket)) {}

  /// TLS from here on; `handshake` follows before anything else.
  void secure(std::unique_ptr<TlsSession> session);
  /// Plain again: for the answer to a peer that has not begun TLS.
  void unsecure() { tls_.reset(); }
  [[nodiscard]] bool secured() const { return tls_ != nullptr; }
  /// See `TlsSession`; nothing on a plain stream.
  [[nodiscard]] std::optional<PeerCertificate> peer_certificate() const {
    return tls_ == nullptr ? std::nullopt : tls_->peer_certificate();
  }
  /// Returns when the connection is secured and the peer's certificate has been checked, or says why not.
  /// Ends soon after `close`; a deadline is the caller's.
  [[nodiscard]] Task<error_code> handshake();

  std::size_t read_some(std::span<char> room, error_code& error) {
    if (tls_ != nullptr) [[unlikely]]
      return tls_->read_some(room, error);
    return socket_.read_some(asio::buffer(room.data(), room.size()), error);
  }
  /// After `would_block` the same bytes come again first.
  std::size_t write_some(std::string_view bytes, error_code& error) {
    if (tls_ != nullptr) [[unlikely]]
      return tls_->write_some(bytes, error);
    return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  }
  /// The same with bytes that lie in up to `most_pieces` places.
  std::size_t write_some(std::span<std::string_view const> pieces, error_code& error);
  static constexpr std::size_t most_pieces = 4;
  /// The peer reads the end of the stream behind what was written. `would_block`: call it again when
  /// writable.
  [[nodiscard]] error_code end_output();

  /// There may be input that `wait_readable` knows nothing of: read before waiting.
  [[nodiscard]] bool holds_input() const { return tls_ != nullptr && tls_->holds_input(); }
  template <class Token>
  auto wait_readable(Token&& token) {
    return socket_.async_wait(tls_ == nullptr ? Socket::wait_read : tls_->read_wait(),
                              std::forward<Token>(token));
  }
  template <class Token>
  auto wait_writable(Token&& token) {
    return socket_.async_wait(tls_ == nullptr ? Socket::wait_write : tls_->write_wait(),
                              std::forward<Token>(token));
  }

  /// Ends what waits, and the connection without a word.
  void close();

  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  friend class LooseStream;

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;  ///< null: plain
};

}  // namespace reachback::net
