#include "net/vanishing.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <chrono>

namespace reachback::net {
namespace {

void set(Socket& socket, int level, int option, int value) {
  ::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
}

}  // namespace

// Where something is under way the time-out of the user ends it, else the probes of keep-alive do.
void end_when_peer_vanishes(Socket& socket, core::Duration after) {
  using std::chrono::duration_cast;
  int const seconds = std::max(2, static_cast<int>(duration_cast<std::chrono::seconds>(after).count()));
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds / 2);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 4));
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
}

void keep_when_peer_vanishes(Socket& socket) {
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 0);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
}

}  // namespace reachback::net
