#include "net/tls_error.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <string>
#include <string_view>

namespace reachback::net {
namespace {

std::string text_of_certificate_error(int verify_result, std::string_view peer) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the {}'s certificate has expired", peer);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the {}'s certificate is not valid yet; or the clock of this machine is wrong",
                         peer);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the {}'s certificate is for another host", peer);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("the {}'s certificate comes from an unknown authority", peer);
    default:
      return fmt::format("the {}'s certificate is not accepted: {}", peer,
                         X509_verify_cert_error_string(verify_result));
  }
}

std::string text_of_tls_error(int packed, std::string_view peer) {
  auto const error = static_cast<unsigned long>(packed);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(error)) {
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
        return peer == "client" ? "the client does not speak TLS" : "what answers does not speak TLS";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return fmt::format("the {} speaks no TLS from version 1.2 on", peer);
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the client has shown no certificate";
      case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "the connection was cut off";
      default:
        break;
    }
  }
  char const* const reason = ERR_reason_error_string(error);
  return std::string("TLS failed: ") + (reason == nullptr ? "unknown error" : reason);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // Boost's: nobody deletes a category

class CertificateCategory final : public boost::system::error_category {
 public:
  explicit CertificateCategory(std::string_view peer) : peer_(peer) {}
  [[nodiscard]] char const* name() const noexcept override { return "certificate"; }
  [[nodiscard]] std::string message(int value) const override {
    return text_of_certificate_error(value, peer_);
  }

 private:
  std::string_view const peer_;
};

/// Its values are OpenSSL's packed error codes, which fit into 31 bits.
class TlsCategory final : public boost::system::error_category {
 public:
  explicit TlsCategory(std::string_view peer) : peer_(peer) {}
  [[nodiscard]] char const* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override { return text_of_tls_error(value, peer_); }

 private:
  std::string_view const peer_;
};

#pragma GCC diagnostic pop

template <class Category>
Category const& category_of(TlsPeer peer) {
  static Category const server("server"), client("client");
  return peer == TlsPeer::server ? server : client;
}

}  // namespace

error_code certificate_error(long verify_result, TlsPeer peer) {
  return {static_cast<int>(verify_result), category_of<CertificateCategory>(peer)};
}

error_code take_tls_error(TlsPeer peer) {
  auto const error = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return {ERR_GET_REASON(error), boost::system::system_category()};
  // Never "no error": whoever asks has seen something fail.
  if (error == 0) return make_error_code(boost::system::errc::protocol_error);
  return {static_cast<int>(error), category_of<TlsCategory>(peer)};
}

bool is_plain_http(error_code error) {
  auto const packed = static_cast<unsigned long>(error.value());
  return error.category() == category_of<TlsCategory>(TlsPeer::client) &&
         ERR_GET_LIB(packed) == ERR_LIB_SSL && ERR_GET_REASON(packed) == SSL_R_HTTP_REQUEST;
}

}  // namespace reachback::net
