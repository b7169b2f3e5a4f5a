#pragma once

#include "core/deadline_table.hpp"
#include "net/tcp.hpp"

namespace reachback::net {

/// Lets the kernel end a connection whose peer says nothing, not even that it got something, for about that
/// long: whatever waits on the socket then ends with an error. A peer that is there and quiet stays. At least
/// two seconds.
void end_when_peer_vanishes(Socket& socket, core::Duration after);

/// From now on it is noticed otherwise.
void keep_when_peer_vanishes(Socket& socket);

}  // namespace reachback::net
