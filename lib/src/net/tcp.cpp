#include "net/tcp.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace reachback::net {
namespace {

Tcp protocol_of(Socket const& socket) {
  error_code ignored;
  return socket.local_endpoint(ignored).protocol();
}

}  // namespace

LooseSocket::LooseSocket(Socket socket) : protocol_(protocol_of(socket)) {
  error_code error;
  int const handle = socket.release(error);
  if (!error) handle_ = handle;
}

LooseSocket::LooseSocket(LooseSocket&& other) noexcept
    : protocol_(other.protocol_), handle_(std::exchange(other.handle_, -1)) {}

LooseSocket& LooseSocket::operator=(LooseSocket&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(protocol_, other.protocol_);
  return *this;
}

LooseSocket::~LooseSocket() {
  if (handle_ >= 0) ::close(handle_);
}

Socket LooseSocket::attach(async::Shard& shard) && {
  Socket socket(shard.strand());
  error_code error;
  if (handle_ < 0) return socket;
  socket.assign(protocol_, handle_, error);
  if (error) return socket;  // the handle is still ours, and is closed with us
  handle_ = -1;
  socket.non_blocking(true, error);
  return socket;
}

void tune(Socket& socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(Tcp::no_delay(true), ignored);
  int const low_water = 128 * 1024;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water);
}

std::size_t unacknowledged_bytes(Socket& socket) {
  int bytes = 0;
  if (::ioctl(socket.native_handle(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

std::size_t open_file_limit() {
  constexpr std::size_t when_unlimited = 65'536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return when_unlimited;
  return limit.rlim_cur;
}

}  // namespace reachback::net
