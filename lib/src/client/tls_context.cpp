#include "client/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <new>

#include "net/tls_error.hpp"
#include "net/tls_files.hpp"
#include "reachback/errors.hpp"

namespace reachback::client {
namespace {

/// As RFC 7301 writes it. After the upgrade a WebSocket is HTTP/1.1 still.
constexpr std::array<unsigned char, 9> only_http_1_1 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

bool is_address(std::string const& host) {
  async::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

void trust(ssl_ctx_st* context, std::string const& ca_file) {
  ERR_clear_error();
  if (ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return;
    throw StartError(fmt::format("the system's certificates: {}", net::take_tls_error().message()));
  }
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1)
    throw StartError(fmt::format("the CA file {}: {}", ca_file, net::take_tls_error().message()));
  // Whatever is in the file is trusted as it is, be it a server's own certificate.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

void show(ssl_ctx_st* context, TlsFiles const& files) {
  if (files.certificate_file.empty()) return;
  auto const identity = net::TlsIdentity::read(files.certificate_file, files.key_file);
  if (!identity) throw StartError(identity.error().text);
  auto const shown = net::show(context, *identity);
  if (!shown) throw StartError(shown.error().text);
}

/// False when no certificate could ever be for this host.
bool expect(ssl_st* ssl, std::string const& host) {
  auto* const checks = SSL_get0_param(ssl);
  // RFC 6066, 3: an address is no server name.
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(checks, host.data(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::TlsContext(TlsFiles const& files) : context_(SSL_CTX_new(TLS_client_method())) {
  auto* const context = context_.get();
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context, only_http_1_1.data(), only_http_1_1.size());
  trust(context, files.ca_file);
  show(context, files);
}

std::unique_ptr<net::TlsSession> TlsContext::new_session(ssl_st*& ssl) const {
  ssl = SSL_new(context_.get());
  if (ssl == nullptr) throw std::bad_alloc();
  auto session = std::make_unique<net::TlsSession>(ssl);
  SSL_set_connect_state(ssl);
  return session;
}

std::unique_ptr<net::TlsSession> TlsContext::unchecked_session() const {
  ssl_st* ssl = nullptr;
  auto session = new_session(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  return session;
}

std::unique_ptr<net::TlsSession> TlsContext::session_with(std::string const& host) const {
  ssl_st* ssl = nullptr;
  auto session = new_session(ssl);
  if (!expect(ssl, host)) throw StartError(fmt::format("no certificate can be for '{}'", host));
  return session;
}

}  // namespace reachback::client
