#include "bench/io/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace reachback::bench {
namespace {

constexpr int backlog = 4096;

[[noreturn]] void fail(char const* what) { throw std::system_error(errno, std::generic_category(), what); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set(int socket, int level, int option, int value) {
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

int listen_on(std::uint16_t port) {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  auto const address = loopback(port);
  if (::bind(listener, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) fail("bind");
  if (::listen(listener, backlog) != 0) fail("listen");
  return listener;
}

int accept_from(int listener) {
  int const socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

int connect_to(std::uint16_t port) {
  int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("socket");
  auto const address = loopback(port);
  if (::connect(socket, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) fail("connect");
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  linger const reset{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  (void)::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  return socket;
}

void limit_rate(int socket, double bytes_per_second) {
  auto const rate = static_cast<std::uint64_t>(bytes_per_second);
  if (::setsockopt(socket, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate) != 0)
    fail("SO_MAX_PACING_RATE");
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace reachback::bench
