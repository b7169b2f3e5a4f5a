#pragma once

#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/tcp.hpp"
#include "unit/async/on_shard.hpp"

namespace reachback::test {

/// The two ends of a TCP connection over loopback, on one shard.
struct TcpPair {
  explicit TcpPair(async::Shard& shard) : here(shard.strand()), there(shard.strand()) {
    net::Acceptor acceptor(shard.strand(), net::Tcp::endpoint(net::asio::ip::address_v4::loopback(), 0));
    there.connect(acceptor.local_endpoint());
    here = acceptor.accept();
  }
  /// Little room in the kernel, so that a peer that does not read is felt soon.
  void narrow() {
    here.set_option(net::asio::socket_base::send_buffer_size(64 * 1024));
    there.set_option(net::asio::socket_base::receive_buffer_size(64 * 1024));
  }

  net::Socket here;   ///< for what is under test
  net::Socket there;  ///< for the peer
};

/// Whoever is at the other end of what is under test: bytes out, bytes in, as the test says.
class Peer {
 public:
  /// `other_end` is only watched: is what was sent read there?
  Peer(async::Shard& shard, net::Socket socket, int other_end)
      : shard_(shard), socket_(std::move(socket)), other_end_(other_end) {
    socket_.non_blocking(true);
  }

  /// Returns when all is with the kernel, or false when the other end is gone.
  [[nodiscard]] Task<bool> send(std::string text) {
    std::string_view rest = text;
    while (!rest.empty()) {
      std::size_t const count = send_some(rest);
      if (broken_) co_return false;
      rest.remove_prefix(count);
      if (!rest.empty()) co_await turn(shard_);
    }
    co_return true;
  }
  /// Sends, and returns when the other end has read it all.
  [[nodiscard]] Task<> send_and_see_read(std::string text) {
    std::size_t const before = waiting_there();
    std::size_t const size = text.size();
    co_await send(std::move(text));
    // What is sent over loopback is there when the call returns; else this waits for it.
    while (waiting_there() < std::min<std::size_t>(before + size, 1)) co_await turn(shard_);
    while (waiting_there() != 0) co_await turn(shard_);
    co_await turn(shard_);
  }
  /// As much as the kernel takes now.
  std::size_t send_some(std::string_view bytes) {
    async::error_code error;
    std::size_t const count = socket_.write_some(net::asio::buffer(bytes.data(), bytes.size()), error);
    if (error && error != net::asio::error::would_block) broken_ = true;
    return count;
  }

  /// Everything up to the first `mark`, which is part of it; what came when the stream ends before.
  [[nodiscard]] Task<std::string> read_until(std::string mark) {
    while (in_.find(mark) == std::string::npos && !end_) co_await read_more();
    auto const at = in_.find(mark);
    co_return take(at == std::string::npos ? in_.size() : at + mark.size());
  }
  [[nodiscard]] Task<std::string> read(std::size_t count) {
    while (in_.size() < count && !end_) co_await read_more();
    co_return take(std::min(count, in_.size()));
  }
  [[nodiscard]] Task<std::string> read_to_end() {
    while (!end_) co_await read_more();
    co_return take(in_.size());
  }
  /// How the stream ended: eof, or connection_reset.
  [[nodiscard]] std::optional<async::error_code> end() const { return end_; }
  [[nodiscard]] bool ended_in_order() const { return end_ && *end_ == net::asio::error::eof; }

  void shut() { socket_.shutdown(net::Socket::shutdown_send); }
  void close() { socket_.close(); }
  void reset() {
    socket_.set_option(net::asio::socket_base::linger(true, 0));
    socket_.close();
  }
  [[nodiscard]] net::Socket release() && { return std::move(socket_); }

 private:
  [[nodiscard]] std::size_t waiting_there() const {
    int bytes = 0;
    return ::ioctl(other_end_, FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
  }
  [[nodiscard]] Task<> read_more() {
    auto const [waited] = co_await socket_.async_wait(net::Socket::wait_read, async::use_task);
    if (waited) {
      end_ = waited;
      co_return;
    }
    std::string room(64 * 1024, '\0');
    async::error_code error;
    std::size_t const count = socket_.read_some(net::asio::buffer(room), error);
    if (error == net::asio::error::would_block) co_return;
    if (error) end_ = error;
    in_.append(room, 0, count);
  }
  std::string take(std::size_t count) {
    std::string taken = in_.substr(0, count);
    in_.erase(0, count);
    return taken;
  }

  async::Shard& shard_;
  net::Socket socket_;
  int const other_end_;
  std::string in_;
  std::optional<async::error_code> end_;
  bool broken_ = false;
};

}  // namespace reachback::test
