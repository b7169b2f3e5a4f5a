#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/tls_server_context.hpp"
#include "reachback/config.hpp"

namespace reachback::gateway {

/// The gateway's own TLS while it runs: what its files held when they were last good.
class ServerTls {
 public:
  using Context = std::shared_ptr<net::TlsServerContext const>;
  using Log = std::function<void(LogLevel, std::string_view)>;

  /// Reads the files, where the configuration names some. Throws StartError, one line that names the file.
  ServerTls(Config::Tls const& config, Log log);

  /// Reads the files anew. What is new and good, which is then for new connections; else nothing, and the log
  /// says why: what is wrong stays as it was. Any thread, one call at a time.
  [[nodiscard]] Context reload(ReloadReason reason);

  /// What the last good files made; null without TLS. As `reload`.
  [[nodiscard]] Context const& context() const { return context_; }
  /// When the certificate expires; nothing without TLS. Any thread.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires() const;

 private:
  net::TlsServerSettings const settings_;
  Log const log_;
  Context context_;
  std::string fault_;  ///< that was logged last; empty: none
  std::atomic<std::chrono::system_clock::time_point> expires_{};
};

/// What the files hold. Throws StartError as above.
[[nodiscard]] ServerTls::Context load_server_tls(Config::Tls const& config);

/// What is most likely wrong about a certificate though it serves; empty when nothing is.
[[nodiscard]] std::string warning_about(std::string const& file,
                                        std::chrono::system_clock::time_point expires,
                                        std::chrono::system_clock::time_point now);

}  // namespace reachback::gateway
