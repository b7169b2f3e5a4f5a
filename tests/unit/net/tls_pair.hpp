#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "net/stream.hpp"
#include "unit/net/tcp_pair.hpp"

namespace reachback::test {

/// The two contexts of a TLS connection: a server with a certificate made for it, and a client that trusts
/// anybody. Who is trusted is the business of those who make a session; nothing below them asks.
class TlsContexts {
 public:
  TlsContexts() {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> const certificate(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    if (SSL_CTX_use_certificate(server_.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(server_.get(), key.get()) != 1)
      throw std::runtime_error("no certificate for the test");
  }

  [[nodiscard]] SSL* server() const {
    auto* const ssl = SSL_new(server_.get());
    SSL_set_accept_state(ssl);
    return ssl;
  }
  [[nodiscard]] SSL* client() const {
    auto* const ssl = SSL_new(client_.get());
    SSL_set_connect_state(ssl);
    return ssl;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> server_{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
};

/// Two streams with TLS between them over narrow sockets, not yet secured.
class TlsPair {
 public:
  explicit TlsPair(async::Shard& shard) : TlsPair(shard, TcpPair(shard)) {}

  /// Both handshakes.
  [[nodiscard]] Task<> secured() {
    Beside server(shard_, check(here));
    co_await check(there);
    co_await server.join();
    if (server.failed()) throw std::runtime_error("the server's handshake failed");
  }

 private:
  TlsContexts const contexts_;

 public:
  SSL* server_ssl;
  SSL* client_ssl;
  net::Stream here;   ///< the server
  net::Stream there;  ///< the client

 private:
  TlsPair(async::Shard& shard, TcpPair pair)
      : server_ssl(contexts_.server()),
        client_ssl(contexts_.client()),
        here(std::move(pair.here)),
        there(std::move(pair.there)),
        shard_(shard) {
    prepare(here, server_ssl);
    prepare(there, client_ssl);
  }
  static void prepare(net::Stream& stream, SSL* ssl) {
    net::tune(stream.socket());
    stream.socket().set_option(net::asio::socket_base::send_buffer_size(64 * 1024));
    stream.socket().set_option(net::asio::socket_base::receive_buffer_size(64 * 1024));
    stream.secure(std::make_unique<net::TlsSession>(ssl));
  }
  static Task<> check(net::Stream& stream) {
    auto const error = co_await stream.handshake();
    if (error) throw std::runtime_error(error.message());
  }

  async::Shard& shard_;
};

}  // namespace reachback::test
