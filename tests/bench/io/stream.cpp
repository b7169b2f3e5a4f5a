#include "bench/io/stream.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace reachback::bench {

Stream::Stream(Loop& loop, int socket, Watched watched) : loop_(loop), socket_(socket) {
  if (watched == Watched::no) {
    loop_.watch(socket, *this);
  } else {
    loop_.rewatch(socket, *this);
  }
}

Stream::~Stream() {
  if (owned_) ::close(socket_);
}

int Stream::release() {
  open_ = owned_ = false;
  return socket_;
}

Output& Stream::output() {
  if (!dirty_ && open_) {
    dirty_ = true;
    loop_.flush_later(*this);
  }
  return output_;
}

void Stream::flush() {
  dirty_ = false;
  if (open_ && output_.flush(socket_) == Flushed::broken) close();
}

void Stream::close() {
  if (!open_) return;
  open_ = false;
  on_closed();
  loop_.bury(*this);
}

void Stream::on_ready(std::uint32_t events) {
  if (!open_) return;
  bool const ends = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLIN) != 0 || ends) read(ends);
  if ((events & EPOLLOUT) != 0 && open_ && !dirty_ && !output_.empty()) flush();
}

void Stream::read(bool to_end) {
  while (open_ && may_read()) {
    auto target = direct();
    bool const straight = !target.empty();
    if (!straight) target = loop_.scratch();
    auto const got = ::recv(socket_, target.data(), target.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) return close();
    auto const count = static_cast<std::size_t>(got);
    if (straight) {
      on_direct(count);
    } else {
      take_in(target.first(count));
    }
    // epoll(7): a short read has emptied the socket, and what comes later is an edge of its own.
    if (count < target.size() && !to_end) return;
  }
}

void Stream::take_in(std::span<char> bytes) {
  if (rest_.empty()) {
    auto const understood = on_input(bytes);
    if (understood < bytes.size()) rest_.assign(bytes.data() + understood, bytes.size() - understood);
  } else {
    rest_.append(bytes.data(), bytes.size());
    auto const understood = on_input(rest_);
    rest_.erase(0, understood);
    if (rest_.empty()) rest_ = {};
  }
}

}  // namespace reachback::bench
