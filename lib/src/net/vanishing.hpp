#pragma once

#include "core/deadline_table.hpp"
#include "net/tcp.hpp"

namespace reachback::net {

/// Lets the kernel end a connection whose peer is gone without a word, or takes nothing of what is being
/// sent, for about that long, also when all of it is with the kernel already: whatever waits on the socket
/// then ends with an error. A peer that is there while nothing is being sent stays. At least two seconds.
void end_when_peer_vanishes(Socket& socket, core::Duration after);

/// From now on it is noticed otherwise.
void keep_when_peer_vanishes(Socket& socket);

}  // namespace reachback::net
