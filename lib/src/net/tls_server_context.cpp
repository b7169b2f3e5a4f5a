#include "net/tls_server_context.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <new>
#include <utility>

namespace reachback::net {
namespace {

/// As RFC 7301 writes it. After the upgrade a WebSocket is HTTP/1.1 still.
constexpr unsigned char only_http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_protocol(SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const* offered,
                    unsigned offered_size, void*) {
  int const found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, only_http_1_1,
                                          sizeof only_http_1_1, offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

void TlsServerContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsServerContext::TlsServerContext() : context_(SSL_CTX_new(TLS_server_method())) {
  auto* const context = context_.get();
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Those of 1.3 are all of this kind.
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Tickets resume a session, and cost no memory here; their key is the context's own.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

TlsResult<void> TlsServerContext::take(TlsServerSettings const& settings) {
  auto const identity = TlsIdentity::read(settings.certificate_file, settings.key_file);
  if (!identity) return identity.error();
  auto const shown = show(context_.get(), *identity);
  if (!shown) return shown.error();
  read_ = identity->certificate + identity->key;
  expires_ = end_of(SSL_CTX_get0_certificate(context_.get()));
  if (settings.client_ca_file.empty()) return {};
  auto const authorities = read_pem_file(settings.client_ca_file);
  if (!authorities) return authorities.error();
  auto const trusted = trust_clients(context_.get(), settings.client_ca_file, *authorities);
  if (!trusted) return trusted.error();
  read_ += *authorities;
  SSL_CTX_set_verify(context_.get(),
                     SSL_VERIFY_PEER | (settings.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  // Whatever is in the file is trusted as it is, be it an authority below another one.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
  // A session that is resumed brings a certificate along that nobody looks at again.
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context_.get(), 0);
  return {};
}

TlsResult<std::shared_ptr<TlsServerContext const>> TlsServerContext::load(TlsServerSettings const& settings) {
  // Not make_shared: the constructor is ours alone.
  std::shared_ptr<TlsServerContext> made(new TlsServerContext());
  auto const taken = made->take(settings);
  if (!taken) return taken.error();
  return std::shared_ptr<TlsServerContext const>(std::move(made));
}

std::unique_ptr<TlsSession> TlsServerContext::session() const {
  auto* const ssl = SSL_new(context_.get());
  if (ssl == nullptr) throw std::bad_alloc();
  auto session = std::make_unique<TlsSession>(ssl);
  SSL_set_accept_state(ssl);
  return session;
}

}  // namespace reachback::net
