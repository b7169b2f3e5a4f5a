#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace reachback::test {

/// How much of what the other side sends may wait unread in our kernel.
enum class Window : std::uint8_t { usual, small };

/// The other side has closed or reset the stream.
class StreamEnded : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A TCP connection to a port of this machine, driven by blocking system calls: it shares no code with what
/// is under test. Waiting longer than the test's patience throws std::runtime_error.
class TcpStream {
 public:
  explicit TcpStream(std::uint16_t port, Window window = Window::usual);
  TcpStream(TcpStream&& other) noexcept;
  ~TcpStream();

  /// Throws StreamEnded when nobody takes it.
  void write(std::string_view bytes);
  /// Exactly so many bytes; throws StreamEnded when the stream ends before.
  [[nodiscard]] std::string read(std::size_t count);
  /// Up to and including `end`.
  [[nodiscard]] std::string read_until(std::string_view end);
  /// All that still comes.
  [[nodiscard]] std::string read_to_end();
  /// Waits for a byte or for the end of the stream.
  [[nodiscard]] bool at_end();

  void shut_down_writing();
  void close();
  /// Closes so that the other side gets a reset.
  void reset();

 private:
  /// False when the stream has ended.
  [[nodiscard]] bool receive_more();
  [[nodiscard]] std::string take(std::size_t count);

  int socket_;
  std::string in_;
};

}  // namespace reachback::test
