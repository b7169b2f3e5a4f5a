#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <string_view>
#include <utility>

namespace reachback::wire {

/// Thrown through Beast when it asks for bytes that have not come. It asks only between frames, and there
/// Beast's state is whole, so that the stream can be used again. An error code instead would mark it as
/// failed for good.
struct OutOfBytes {};

/// What stands at the other end of Beast's stream.
class Wire {
 public:
  /// What Beast may take next; throws OutOfBytes when there is nothing.
  [[nodiscard]] virtual std::string_view next_piece() = 0;
  virtual void send(std::string_view bytes) = 0;
  /// From inside a read: a control frame has come.
  virtual void on_control(boost::beast::websocket::frame_type kind, std::string_view payload) = 0;

 protected:
  ~Wire() = default;
};

/// The next layer of a Beast stream that never blocks: it reads from and writes to a Wire. Synchronous
/// operations only.
class MemoryLayer {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  explicit MemoryLayer(Wire& wire) : wire_(&wire) {}

  /// Beast's stream owns a timer and so wants an executor. Nothing is ever started on it: its context never
  /// runs, and all streams of the process share the one.
  [[nodiscard]] executor_type get_executor() const noexcept {
    static boost::asio::io_context never_run(1);
    return never_run.get_executor();
  }

  /// From now on the other end is `wire`.
  void connect(Wire& wire) { wire_ = &wire; }
  [[nodiscard]] Wire& wire() { return *wire_; }

  /// The bytes that Beast may take and has not taken.
  [[nodiscard]] std::string_view& offered() { return offered_; }

  template <class MutableBuffers>
  std::size_t read_some(MutableBuffers const& buffers, boost::system::error_code& error) {
    if (offered_.empty()) offered_ = wire_->next_piece();
    error = {};
    std::size_t const count = boost::asio::buffer_copy(buffers, boost::asio::buffer(offered_));
    offered_.remove_prefix(count);
    return count;
  }

  template <class ConstBuffers>
  std::size_t write_some(ConstBuffers const& buffers, boost::system::error_code& error) {
    error = {};
    std::size_t count = 0;
    auto const end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
      boost::asio::const_buffer const bytes(*at);
      wire_->send({static_cast<char const*>(bytes.data()), bytes.size()});
      count += bytes.size();
    }
    return count;
  }

  // Beast's concept of a stream has these too; nobody calls them.
  template <class MutableBuffers>
  std::size_t read_some(MutableBuffers const& buffers) {
    boost::system::error_code ignored;
    return read_some(buffers, ignored);
  }
  template <class ConstBuffers>
  std::size_t write_some(ConstBuffers const& buffers) {
    boost::system::error_code ignored;
    return write_some(buffers, ignored);
  }

 private:
  Wire* wire_;
  std::string_view offered_;
};

/// Found by Beast's stream when it ends; there is no socket to close.
inline void beast_close_socket(MemoryLayer&) {}

}  // namespace reachback::wire
