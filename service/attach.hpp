#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::service {

using LogFunction = std::function<void(LogLevel, std::string_view)>;

/// `reachback attach ENDPOINT --files DIR`.
struct AttachOptions {
  std::string endpoint;
  std::string files;  ///< the directory whose files are served
  std::string host = "127.0.0.1";
  std::uint16_t port = 8888;
  bool tls = false;
  std::string ca_file;                     ///< trusted instead of the system's certificates; empty: those
  std::string certificate_file, key_file;  ///< of a client certificate; empty: none
  std::string user, password;              ///< logs in with these, unless there is a token
  std::string token;
  std::function<std::string()> read_token;  ///< of a token that stands in a file; empty: it does not
  unsigned workers = 4;
};

/// Serves the directory at the gateway until SIGINT or SIGTERM, which it blocks for good and waits for; call
/// it before there are other threads. The process's exit code: 0 after a signal, 1 when the gateway refused
/// the log-in or a second signal came. Throws StartError when the directory cannot be opened or an option
/// makes no sense. `log` is called on several threads.
[[nodiscard]] int attach(AttachOptions const& options, LogFunction log);

}  // namespace reachback::service
