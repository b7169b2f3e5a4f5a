#include "gateway/server_tls.hpp"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "reachback/errors.hpp"

using namespace reachback;
using namespace std::chrono_literals;
using gateway::ServerTls;

namespace {

std::string text_of(BIO* bio) {
  char* text = nullptr;
  auto const size = BIO_get_mem_data(bio, &text);
  std::string copy(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return copy;
}

/// A certificate that signs itself, and its key, as PEM.
struct Pair {
  explicit Pair(std::chrono::seconds lasts = 1h) {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> const made(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), lasts.count());
    X509_set_pubkey(made.get(), pair.get());
    X509_sign(made.get(), pair.get(), EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, made.get());
    certificate = text_of(bio);
    key = key_text(pair.get(), nullptr);
    locked_key = key_text(pair.get(), EVP_aes_128_cbc());
  }

  std::string certificate, key, locked_key;

 private:
  static std::string key_text(EVP_PKEY* pair, EVP_CIPHER const* cipher) {
    BIO* bio = BIO_new(BIO_s_mem());
    std::string password = "hush";
    PEM_write_bio_PKCS8PrivateKey(bio, pair, cipher, cipher == nullptr ? nullptr : password.data(),
                                  static_cast<int>(password.size()), nullptr, nullptr);
    return text_of(bio);
  }
};

/// The files of a gateway, and what it logs.
class Files {
 public:
  Files() : folder_((std::filesystem::temp_directory_path() / "reachback-XXXXXX").string()) {
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
    config.certificate = folder_ + "/tls.crt";
    config.key = folder_ + "/tls.key";
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  Files(Files const&) = delete;
  Files& operator=(Files const&) = delete;

  static void write(std::string const& path, std::string const& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  void put(Pair const& pair) const {
    write(config.certificate, pair.certificate);
    write(config.key, pair.key);
  }
  [[nodiscard]] ServerTls load() {
    return {config, [this](LogLevel level, std::string_view text) {
              log.push_back(std::to_string(static_cast<int>(level)) + ' ' + std::string(text));
            }};
  }
  /// The error of a start; empty when there is none.
  [[nodiscard]] std::string fault() {
    try {
      static_cast<void>(gateway::load_server_tls(config));
    } catch (StartError const& error) {
      return error.what();
    }
    return {};
  }

  Config::Tls config;
  std::vector<std::string> log;

 private:
  std::string folder_;
};

bool contains(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("server TLS") {
  TEST_CASE("without files there is none, and nothing to reload") {
    Files files;
    files.config = {};
    ServerTls tls = files.load();
    CHECK(tls.context() == nullptr);
    CHECK_FALSE(tls.expires());
    CHECK(tls.reload(ReloadReason::asked) == nullptr);
    CHECK(files.log.empty());
  }

  TEST_CASE("each file that cannot be used is named in one line, without its content") {
    Files files;
    Pair const pair, other;
    CHECK(contains(files.fault(), files.config.certificate + ": No such file"));
    files.put(pair);
    CHECK(files.fault().empty());
    Files::write(files.config.key, other.key);
    CHECK(contains(files.fault(), files.config.key + ": the key is not that of " + files.config.certificate));
    Files::write(files.config.key, pair.locked_key);
    CHECK(contains(files.fault(), files.config.key + ": the key is protected by a password"));
    Files::write(files.config.key, "nonsense");
    CHECK(contains(files.fault(), files.config.key + ": there is no private key"));
    files.put(pair);
    Files::write(files.config.certificate, pair.key);
    CHECK(contains(files.fault(), files.config.certificate + ": there is no certificate"));
    Files::write(files.config.certificate, pair.certificate.substr(0, 200));
    CHECK(contains(files.fault(), files.config.certificate));
    files.put(pair);
    files.config.client_ca = files.config.key;
    CHECK(contains(files.fault(), files.config.key + ": there is no certificate"));
    CHECK_FALSE(contains(files.fault(), "\n"));
  }

  TEST_CASE("the files count anew when they have changed, whoever asks") {
    for (auto const reason : {ReloadReason::asked, ReloadReason::timer}) {
      Files files;
      files.put(Pair(1h));
      ServerTls tls = files.load();
      auto const first = tls.context();
      auto const first_end = tls.expires().value();
      files.put(Pair(48h));
      auto const second = tls.reload(reason);
      REQUIRE(second != nullptr);
      CHECK(second != first);
      CHECK(tls.context() == second);
      CHECK(tls.expires().value() - first_end >= 46h);
      REQUIRE(files.log.size() == 1);
      CHECK(files.log[0].starts_with("1 " + files.config.certificate + " has changed"));
    }
  }

  TEST_CASE("files that have not changed are no news, but for who asked") {
    Files files;
    files.put(Pair());
    ServerTls tls = files.load();
    CHECK(tls.reload(ReloadReason::timer) == nullptr);
    CHECK(files.log.empty());
    CHECK(tls.reload(ReloadReason::asked) == nullptr);
    CHECK(files.log.size() == 1);
  }

  TEST_CASE("what is wrong leaves the old one, and is logged once; each time, when it was asked for") {
    Files files;
    files.put(Pair());
    ServerTls tls = files.load();
    auto const first = tls.context();
    Pair const next;
    Files::write(files.config.certificate, next.certificate);
    for (int i = 0; i < 3; ++i) CHECK(tls.reload(ReloadReason::timer) == nullptr);
    REQUIRE(files.log.size() == 1);
    CHECK(files.log[0].starts_with("3 the certificate stays as it was: " + files.config.key));
    CHECK(tls.reload(ReloadReason::asked) == nullptr);
    CHECK(files.log.size() == 2);
    CHECK(tls.context() == first);
    Files::write(files.config.key, next.key);
    CHECK(tls.reload(ReloadReason::timer) != nullptr);
  }

  TEST_CASE("an expired certificate serves, with a warning") {
    Files files;
    files.put(Pair(-1h));
    auto const context = gateway::load_server_tls(files.config);
    auto const now = std::chrono::system_clock::now();
    CHECK(contains(gateway::warning_about("tls.crt", context->expires(), now),
                   "tls.crt: the certificate has expired"));
    CHECK(gateway::warning_about("tls.crt", now + 1s, now).empty());
  }
}
