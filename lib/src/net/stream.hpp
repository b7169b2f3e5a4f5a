#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "net/tcp.hpp"
#include "net/tls_session.hpp"

namespace reachback::net {

/// A TCP connection as a stream of bytes, plain or with TLS above it. Reading and writing never wait: what is
/// not possible now fails with `would_block`, and `wait_readable` or `wait_writable` tell when to try again.
/// On its socket's shard. The socket is non-blocking (see `tune`).
class Stream {
 public:
  /// A plain one, as every socket is by itself.
  Stream(Socket socket) : socket_(std::move(socket)) {}

  /// TLS from here on; `handshake` follows before anything else.
  void secure(std::unique_ptr<TlsSession> session);
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
  Socket socket_;
  std::unique_ptr<TlsSession> tls_;  ///< null: plain
};

}  // namespace reachback::net
