#pragma once

#include <cstdint>

namespace reachback::bench {

/// A non-blocking socket that listens on 127.0.0.1. Throws std::system_error.
[[nodiscard]] int listen_on(std::uint16_t port);

/// The next connection, non-blocking and without Nagle's delay; -1 when none waits.
[[nodiscard]] int accept_from(int listener);

/// A connection to a port of this machine, non-blocking once it stands. It is closed by a reset, so that
/// thousands of them leave no port in TIME_WAIT. Throws std::system_error.
[[nodiscard]] int connect_to(std::uint16_t port);

/// What goes out there goes as over a link of that rate: piece by piece, evenly.
void limit_rate(int socket, double bytes_per_second);

/// Raises the soft limit of open files to the hard one.
void raise_file_limit();

}  // namespace reachback::bench
