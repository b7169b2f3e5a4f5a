#include "net/stream.hpp"

#include <array>
#include <boost/asio/buffer.hpp>

namespace reachback::net {

LooseStream::LooseStream(Stream stream) : socket_(std::move(stream.socket_)), tls_(std::move(stream.tls_)) {}

Stream LooseStream::attach(async::Shard& shard) && {
  Stream stream(std::move(socket_).attach(shard));
  // A socket that could not be attached is closed, and its number may be another file's soon.
  if (tls_ != nullptr && !stream.socket_.is_open()) tls_->detach();
  stream.tls_ = std::move(tls_);
  return stream;
}

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

std::size_t Stream::write_some(std::span<std::string_view const> pieces, error_code& error) {
  if (tls_ != nullptr) [[unlikely]]
    return tls_->write_some(pieces, error);
  std::array<asio::const_buffer, most_pieces> buffers;
  std::size_t used = 0;
  for (auto const piece : pieces) {
    if (!piece.empty()) buffers[used++] = asio::buffer(piece.data(), piece.size());
  }
  // The system has a shorter way for a single one.
  return used == 1 ? socket_.write_some(buffers[0], error) : socket_.write_some(buffers, error);
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
