#include "net/tls_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <string>

namespace reachback::net {
namespace {

std::string text_of_certificate_error(int verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the server's certificate is not valid yet; or the clock of this machine is wrong";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is for another host";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the server's certificate comes from an unknown authority";
    default:
      return std::string("the server's certificate is not accepted: ") +
             X509_verify_cert_error_string(verify_result);
  }
}

std::string text_of_tls_error(int packed) {
  auto const error = static_cast<unsigned long>(packed);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(error)) {
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "what answers does not speak TLS";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the server speaks no TLS from version 1.2 on";
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
  [[nodiscard]] char const* name() const noexcept override { return "certificate"; }
  [[nodiscard]] std::string message(int value) const override { return text_of_certificate_error(value); }
};

/// Its values are OpenSSL's packed error codes, which fit into 31 bits.
class TlsCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] char const* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override { return text_of_tls_error(value); }
};

#pragma GCC diagnostic pop

}  // namespace

error_code certificate_error(long verify_result) {
  static CertificateCategory const category;
  return {static_cast<int>(verify_result), category};
}

error_code take_tls_error() {
  static TlsCategory const category;
  auto const error = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return {ERR_GET_REASON(error), boost::system::system_category()};
  // Never "no error": whoever asks has seen something fail.
  if (error == 0) return make_error_code(boost::system::errc::protocol_error);
  return {static_cast<int>(error), category};
}

}  // namespace reachback::net
