#include "net/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <new>

#include "net/tls_error.hpp"
#include "net/tls_files.hpp"

namespace reachback::net {
namespace {

// OpenSSL's own layer over a socket writes without MSG_NOSIGNAL: a peer that is gone would end the process.

int socket_of(BIO* bio) { return *static_cast<int const*>(BIO_get_data(bio)); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_socket(BIO* bio, char const* data, int size) {
  BIO_clear_retry_flags(bio);
  auto const count = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int read_socket(BIO* bio, char* room, int size) {
  BIO_clear_retry_flags(bio);
  auto const count = ::recv(socket_of(bio), room, static_cast<std::size_t>(size), 0);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (count < 0 && would_block()) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD const* socket_method() {
  static BIO_METHOD const* const method = [] {
    auto* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "non-blocking socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

/// Before each step: what an earlier one left in the thread's queue would be taken for this one's.
void begin_step() {
  ERR_clear_error();
  errno = 0;
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsSession::TlsSession(ssl_st* ssl) : ssl_(ssl) {
  BIO* const bio = BIO_new(socket_method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  // What is to be sent lies in buffers that grow and move between two tries.
  SSL_set_mode(
      ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // A receive takes what is there, not a record's head and then its body.
  SSL_set_read_ahead(ssl, 1);
  SSL_set_default_read_buffer_len(ssl, 64 * 1024);
}

error_code TlsSession::failure_of(int result, Socket::wait_type& wait) {
  int const system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wait = Socket::wait_read;
      return asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wait = Socket::wait_write;
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (system_error == 0) return asio::error::connection_reset;
      return {system_error, boost::system::system_category()};
    default:
      break;
  }
  auto const peer = SSL_is_server(ssl_.get()) == 1 ? TlsPeer::client : TlsPeer::server;
  auto const verified = SSL_get_verify_result(ssl_.get());
  bool const in_handshake = SSL_is_init_finished(ssl_.get()) == 0;
  if (!in_handshake || verified == X509_V_OK) return take_tls_error(peer);
  ERR_clear_error();
  return certificate_error(verified, peer);
}

error_code TlsSession::handshake() {
  begin_step();
  int const result = SSL_do_handshake(ssl_.get());
  return result == 1 ? error_code() : failure_of(result, read_wait_);
}

std::size_t TlsSession::read_some(std::span<char> room, error_code& error) {
  error.clear();
  std::size_t count = 0;
  holds_input_ = true;
  do {
    begin_step();
    std::size_t read = 0;
    int const result = SSL_read_ex(ssl_.get(), room.data() + count, room.size() - count, &read);
    count += read;
    if (result == 1) continue;
    error = failure_of(result, read_wait_);
    break;
  } while (count < room.size() && SSL_has_pending(ssl_.get()) == 1);
  if (error == asio::error::would_block) {
    holds_input_ = false;
  } else if (!error) {
    holds_input_ = SSL_has_pending(ssl_.get()) == 1;
    read_wait_ = Socket::wait_read;
  }
  // What has come counts first: the next try meets the same end.
  if (count != 0) error.clear();
  return count;
}

std::size_t TlsSession::write_some(std::string_view bytes, error_code& error) {
  error.clear();
  std::size_t count = 0;
  while (count < bytes.size() && !error) {
    begin_step();
    // One record in a call: one that ends a record begun before and blocks on the next does not tell of the
    // first.
    std::size_t const size =
        blocked_ != 0 ? blocked_ : std::min<std::size_t>(bytes.size() - count, SSL3_RT_MAX_PLAIN_LENGTH);
    std::size_t written = 0;
    int const result = SSL_write_ex(ssl_.get(), bytes.data() + count, size, &written);
    count += written;
    blocked_ = 0;
    if (result == 1) continue;
    error = failure_of(result, write_wait_);
    if (error == asio::error::would_block) blocked_ = size;
  }
  if (count != 0) error.clear();
  return count;
}

std::size_t TlsSession::write_some(std::span<std::string_view const> pieces, error_code& error) {
  error.clear();
  while (!pieces.empty() && pieces.front().empty()) pieces = pieces.subspan(1);
  if (pieces.empty()) return 0;
  // What fills records by itself needs no copy.
  if (pieces.size() == 1 || pieces.front().size() >= SSL3_RT_MAX_PLAIN_LENGTH)
    return write_some(pieces.front(), error);
  std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> record;
  std::size_t filled = 0;
  for (auto const piece : pieces) filled += piece.copy(record.data() + filled, record.size() - filled);
  return write_some(std::string_view(record.data(), filled), error);
}

error_code TlsSession::end_output() {
  begin_step();
  int const result = SSL_shutdown(ssl_.get());
  // 0: ours is sent, the peer's has not come. Nobody waits for that one.
  return result >= 0 ? error_code() : failure_of(result, write_wait_);
}

std::optional<PeerCertificate> TlsSession::peer_certificate() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return std::nullopt;
  return PeerCertificate{sha256_of(certificate), subject_of(certificate), end_of(certificate)};
}

}  // namespace reachback::net
