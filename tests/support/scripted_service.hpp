#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "reachback/proto/ids.hpp"
#include "support/tcp_stream.hpp"

namespace reachback::test {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
enum class Fin : std::uint8_t { more_follow, last };

struct Frame {
  Opcode opcode = Opcode::text;
  Fin fin = Fin::last;
  std::string payload;
};

/// The bytes of a client's frame, masked.
[[nodiscard]] std::string bytes_of(Frame const& frame);

/// A call as it came to the service.
struct SeenCall {
  proto::CallId id{};
  std::string text;
};

/// A peer on a WebSocket endpoint, driven step by step from the test's own thread: the test says each frame,
/// byte by byte if it wants to. With a framing of its own. Once it is made, it has joined its endpoint.
class ScriptedService {
 public:
  ScriptedService(std::uint16_t port, std::string_view endpoint, Window window = Window::usual,
                  std::string_view token = "test", std::string_view subprotocol = {});

  /// What the gateway chose of what was offered; empty: nothing.
  [[nodiscard]] std::string const& subprotocol() const { return subprotocol_; }

  void send(Frame const& frame) { stream_.write(bytes_of(frame)); }
  void send_text(std::string_view text);
  /// The next frame of whatever kind; throws StreamEnded when none comes.
  [[nodiscard]] Frame read_frame();
  /// The next message, put together; pings are answered on the way. Throws StreamEnded at a close frame.
  [[nodiscard]] std::string read_text();
  [[nodiscard]] SeenCall read_call();
  /// Skips what comes before the close frame and answers it; 1006 when the stream ends without one.
  [[nodiscard]] std::uint16_t read_close();
  /// The same, with the reason.
  struct Closed {
    std::uint16_t code = 1006;
    std::string reason;
  };
  [[nodiscard]] Closed read_close_with_reason();
  /// Returns when the gateway has taken in all that was sent: pings and awaits the pong. What comes before it
  /// is kept for the next read.
  void settle();
  /// The same; whether there is nothing to read then.
  [[nodiscard]] bool hears_nothing() {
    settle();
    return kept_.empty();
  }

  [[nodiscard]] TcpStream& stream() { return stream_; }

 private:
  [[nodiscard]] Frame receive_frame();

  TcpStream stream_;
  std::string subprotocol_;
  std::deque<Frame> kept_;
  unsigned pings_ = 0;
};

}  // namespace reachback::test
