#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <string>

struct ssl_ctx_st;
struct x509_st;

namespace reachback::net {

// Certificates and keys as PEM files, and what is read out of a certificate; by OpenSSL. Any thread.

/// What is wrong with a file, in one line that names it. Holds nothing of its content.
struct TlsFault {
  std::string text;
};

template <class T>
using TlsResult = boost::system::result<T, TlsFault>;

/// The whole of a regular file.
[[nodiscard]] TlsResult<std::string> read_pem_file(std::string const& path);

/// What one shows of oneself: files, and what stands in them.
struct TlsIdentity {
  std::string certificate_file;  ///< the certificate, and behind it those that lead to its authority
  std::string key_file;          ///< its private key, without a password
  std::string certificate, key;

  /// Both files, read now.
  [[nodiscard]] static TlsResult<TlsIdentity> read(std::string certificate_file, std::string key_file);
};

/// Lets the context show it.
[[nodiscard]] TlsResult<void> show(ssl_ctx_st* context, TlsIdentity const& identity);
/// Lets the context ask clients for a certificate of one of these authorities; `text` is the content of
/// `path`.
[[nodiscard]] TlsResult<void> trust_clients(ssl_ctx_st* context, std::string const& path,
                                            std::string const& text);

/// SHA-256 of its DER form: 32 bytes.
[[nodiscard]] std::string sha256_of(x509_st* certificate);
/// As RFC 2253 writes it.
[[nodiscard]] std::string subject_of(x509_st* certificate);
/// When it expires.
[[nodiscard]] std::chrono::system_clock::time_point end_of(x509_st* certificate);

}  // namespace reachback::net
