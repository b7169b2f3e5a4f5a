#include "net/stream.hpp"

namespace reachback::net {

void Stream::secure(std::unique_ptr<TlsSession> session) {
  tls_ = std::move(session);
  tls_->attach(socket_.native_handle());
}

Task<error_code> Stream::handshake() {
  while (true) {
    auto const error = tls_->handshake();
    if (error != asio::error::would_block) co_return error;
    auto const [waited] = co_await wait_readable(async::use_task);
    if (waited) co_return waited;
  }
}

error_code Stream::end_output() {
  error_code error;
  if (tls_ != nullptr) error = tls_->end_output();
  // Whatever else TLS says, the peer may at least learn of the end.
  if (error != asio::error::would_block) socket_.shutdown(Socket::shutdown_send, error);
  return error;
}

void Stream::close() {
  if (tls_ != nullptr) tls_->detach();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace reachback::net
