#include "net/tls_files.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "net/tls_error.hpp"

namespace reachback::net {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

TlsFault fault(std::string const& path, std::string_view cause) {
  ERR_clear_error();
  return {fmt::format("{}: {}", path, cause)};
}

Bio reader_of(std::string const& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) throw std::bad_alloc();
  return bio;
}

/// Asks for no password, and tells the caller that one was needed.
int no_password(char*, int, int, void* needed) {
  *static_cast<bool*>(needed) = true;
  return -1;
}

/// Whether the reading of a PEM file ended where the file does, and not at something malformed.
bool at_end() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

TlsResult<std::vector<Certificate>> certificates_in(std::string const& path, std::string const& text) {
  ERR_clear_error();
  Bio const bio = reader_of(text);
  std::vector<Certificate> certificates;
  while (Certificate next{PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)})
    certificates.push_back(std::move(next));
  if (!at_end()) return fault(path, "a certificate in it is malformed");
  if (certificates.empty()) return fault(path, "there is no certificate (PEM) in it");
  ERR_clear_error();
  return certificates;
}

TlsResult<Key> key_in(std::string const& path, std::string const& text) {
  ERR_clear_error();
  bool needs_password = false;
  Key key(PEM_read_bio_PrivateKey(reader_of(text).get(), nullptr, no_password, &needs_password));
  if (needs_password) return fault(path, "the key is protected by a password: it has to be without one");
  if (key == nullptr) return fault(path, "there is no private key (PEM) in it, or it is malformed");
  ERR_clear_error();
  return key;
}

}  // namespace

TlsResult<std::string> read_pem_file(std::string const& path) {
  std::error_code error;
  auto const status = std::filesystem::status(path, error);
  if (error) return fault(path, error.message());
  // A FIFO would hold the reader until somebody writes to it.
  if (!std::filesystem::is_regular_file(status)) return fault(path, "it is no regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece;
  // Not by iterators over the buffer: these throw when the system cannot read.
  while (file.read(piece.data(), piece.size()) || file.gcount() != 0)
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad()) return fault(path, std::generic_category().message(errno));
  return TlsResult<std::string>(boost::system::in_place_value, std::move(text));
}

TlsResult<TlsIdentity> TlsIdentity::read(std::string certificate_file, std::string key_file) {
  auto certificate = read_pem_file(certificate_file);
  if (!certificate) return certificate.error();
  auto key = read_pem_file(key_file);
  if (!key) return key.error();
  return TlsIdentity{std::move(certificate_file), std::move(key_file), std::move(*certificate),
                     std::move(*key)};
}

TlsResult<void> show(ssl_ctx_st* context, TlsIdentity const& identity) {
  auto const chain = certificates_in(identity.certificate_file, identity.certificate);
  if (!chain) return chain.error();
  auto const key = key_in(identity.key_file, identity.key);
  if (!key) return key.error();
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
    return fault(identity.certificate_file, take_tls_error().message());
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1)
      return fault(identity.certificate_file, take_tls_error().message());
  }
  if (X509_check_private_key(chain->front().get(), key->get()) != 1)
    return fault(identity.key_file, fmt::format("the key is not that of {}", identity.certificate_file));
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return fault(identity.key_file, take_tls_error().message());
  return {};
}

TlsResult<void> trust_clients(ssl_ctx_st* context, std::string const& path, std::string const& text) {
  auto const authorities = certificates_in(path, text);
  if (!authorities) return authorities.error();
  for (auto const& authority : *authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1)
      return fault(path, take_tls_error().message());
  }
  return {};
}

std::string sha256_of(x509_st* certificate) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  digest.resize(size);
  return digest;
}

std::string subject_of(x509_st* certificate) {
  Bio const bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr) throw std::bad_alloc();
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  auto const size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::chrono::system_clock::time_point end_of(x509_st* certificate) {
  std::tm end{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end);
  // What never expires names the year 9999, which is beyond the clock.
  constexpr auto latest =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::time_point::max())
          .time_since_epoch();
  return std::chrono::system_clock::from_time_t(std::min<std::time_t>(::timegm(&end), latest.count()));
}

}  // namespace reachback::net
