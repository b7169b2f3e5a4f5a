#include "support/tcp_stream.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "support/wait_until.hpp"

namespace reachback::test {
namespace {

template <class Value>
void set_option(int socket, int level, int name, Value const& value) {
  if (::setsockopt(socket, level, name, &value, sizeof value) != 0) throw std::runtime_error("setsockopt");
}

}  // namespace

TcpStream::TcpStream(std::uint16_t port, Window window)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  timeval const limit{.tv_sec = patience.count(), .tv_usec = 0};
  set_option(socket_, SOL_SOCKET, SO_RCVTIMEO, limit);
  set_option(socket_, SOL_SOCKET, SO_SNDTIMEO, limit);
  set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
  // The kernel agrees on windows when it connects.
  if (window == Window::small) set_option(socket_, SOL_SOCKET, SO_RCVBUF, 4096);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
  close();
  throw StreamEnded("nobody listens");
}

TcpStream::TcpStream(TcpStream&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), in_(std::move(other.in_)) {}

TcpStream::~TcpStream() { close(); }

void TcpStream::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void TcpStream::reset() {
  set_option(socket_, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
  close();
}

void TcpStream::shut_down_writing() { ::shutdown(socket_, SHUT_WR); }

void TcpStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) throw std::runtime_error("nobody reads what is sent");
    if (sent <= 0) throw StreamEnded("the stream has ended: nothing can be sent");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool TcpStream::receive_more() {
  std::array<char, 64 * 1024> buffer;
  auto const got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) throw std::runtime_error("nothing came");
  if (got <= 0) return false;
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::string TcpStream::take(std::size_t count) {
  auto bytes = in_.substr(0, count);
  in_.erase(0, count);
  return bytes;
}

std::string TcpStream::read(std::size_t count) {
  while (in_.size() < count) {
    if (!receive_more()) throw StreamEnded("the stream ended too early");
  }
  return take(count);
}

std::string TcpStream::read_until(std::string_view end) {
  while (in_.find(end) == std::string::npos) {
    if (!receive_more()) throw StreamEnded("the stream ended too early");
  }
  return take(in_.find(end) + end.size());
}

std::string TcpStream::read_to_end() {
  while (receive_more()) {}
  return std::exchange(in_, {});
}

bool TcpStream::at_end() { return in_.empty() && !receive_more(); }

}  // namespace reachback::test
