#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "reachback/config.hpp"

namespace reachback {

/// What to ask, and whom.
struct ProbeConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8888;
  bool tls = false;     ///< as in RemoteServiceConfig
  std::string ca_file;  ///< as in RemoteServiceConfig
  /// False: by TLS with whoever answers. For a gateway on the same machine, which sends nothing secret here.
  bool checked = true;
  std::string certificate_file, key_file;  ///< as in RemoteServiceConfig
  std::string path = "/readyz";
  Config::Duration timeout = std::chrono::seconds(5);  ///< for all of it
};

/// What came of it.
struct ProbeResult {
  int status = 0;     ///< of the answer; 0: there was none
  std::string error;  ///< why there was none, in one line for a person
};

/// Asks a gateway once over HTTP whether it is well. Any thread that belongs to no gateway and no service;
/// returns within the time-out, but for a look-up of the host's name that the system has begun and that
/// cannot be given up. Throws StartError when the configuration makes no sense.
[[nodiscard]] ProbeResult probe(ProbeConfig const& config);

}  // namespace reachback
