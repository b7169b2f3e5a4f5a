#include "bench/io/output.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace reachback::bench {
namespace {

constexpr std::size_t most_pieces = 64;
/// A text that grew beyond this gives its memory back.
constexpr std::size_t kept_text = 256 * 1024;

bool must_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

void Output::append(BlockPtr block) {
  if (!text_.empty()) pieces_.push_back({std::exchange(text_, {}), nullptr});
  pieces_.push_back({{}, std::move(block)});
}

Flushed Output::flush(int socket) { return pieces_.empty() ? flush_text(socket) : flush_pieces(socket); }

Flushed Output::flush_text(int socket) {
  if (text_.empty()) return Flushed::all;
  auto const sent = ::send(socket, text_.data() + sent_, text_.size() - sent_, MSG_NOSIGNAL);
  if (sent < 0) return must_wait() ? Flushed::some : Flushed::broken;
  sent_ += static_cast<std::size_t>(sent);
  if (sent_ < text_.size()) return Flushed::some;
  if (text_.capacity() > kept_text) {
    text_ = {};
  } else {
    text_.clear();
  }
  sent_ = 0;
  return Flushed::all;
}

Flushed Output::flush_pieces(int socket) {
  while (!pieces_.empty()) {
    std::array<iovec, most_pieces + 1> parts{};
    std::size_t count = 0, wanted = 0;
    auto const add = [&](std::string_view view) {
      auto const skipped = count == 0 ? sent_ : 0;
      parts[count++] = {const_cast<char*>(view.data()) + skipped, view.size() - skipped};
      wanted += view.size() - skipped;
    };
    for (std::size_t i = 0; i < std::min(pieces_.size(), most_pieces); ++i) add(pieces_[i].view());
    if (pieces_.size() <= most_pieces && !text_.empty()) add(text_);
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    auto const sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0) return must_wait() ? Flushed::some : Flushed::broken;
    consume(static_cast<std::size_t>(sent));
    if (static_cast<std::size_t>(sent) < wanted) return Flushed::some;
  }
  return flush_text(socket);
}

void Output::consume(std::size_t sent) {
  std::size_t done = 0;
  sent += sent_;
  sent_ = 0;
  while (done < pieces_.size() && sent >= pieces_[done].view().size()) sent -= pieces_[done++].view().size();
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(done));
  if (pieces_.empty() && sent == text_.size()) {
    text_.clear();
    sent = 0;
  }
  sent_ = sent;
}

}  // namespace reachback::bench
