#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace reachback::test {

/// An HTTP request as it came.
struct SeenRequest {
  std::string line;  ///< e.g. "GET /login HTTP/1.1"
  std::string head;  ///< all of it, the line and the fields
  std::string body;

  /// The value of a field; empty when it is not there.
  [[nodiscard]] std::string field(std::string_view name) const;
};

/// What came over a WebSocket: a message, or the end.
struct SeenMessage {
  std::string text;
  std::uint16_t close_code = 0;  ///< of a close frame; 1006 when the stream ended; 0 for a message
};

/// One connection that a client made, driven step by step from the test's own thread with blocking system
/// calls: it shares no code with what is under test. What takes more than a minute throws, and so does an
/// unmasked frame.
class ScriptedConnection {
 public:
  explicit ScriptedConnection(int socket) : socket_(socket) {}
  ScriptedConnection(ScriptedConnection&& other) noexcept;
  ~ScriptedConnection();

  [[nodiscard]] SeenRequest read_request();
  void write(std::string_view bytes);
  /// 200 or another status with the fields given (each with its line end) and no body.
  void reply(std::string_view status, std::string_view fields = "");
  /// Reads an upgrade, checks it, and answers 101 with these fields beside the usual ones (each with its line
  /// end), and `behind` (frames) in the same packet.
  SeenRequest upgrade(std::string_view behind = "", std::string_view fields = "");

  void send_text(std::string_view text);
  void send_close(std::uint16_t code);
  /// The next message, put together from its fragments; pings are answered on the way.
  [[nodiscard]] SeenMessage read();
  /// The text of the next message; throws when there is none.
  [[nodiscard]] std::string read_text();
  /// Closes the socket without a word.
  void drop();

 private:
  void send_frame(std::uint8_t first_byte, std::string_view payload);
  [[nodiscard]] bool fill(std::size_t count);
  [[nodiscard]] std::string take(std::size_t count);

  int socket_;
  std::string in_;
};

/// A gateway whose every word the test says itself.
class ScriptedGateway {
 public:
  ScriptedGateway();
  ~ScriptedGateway();
  ScriptedGateway(ScriptedGateway const&) = delete;
  ScriptedGateway& operator=(ScriptedGateway const&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] ScriptedConnection accept();
  /// Whether somebody has connected whom `accept` has not given yet.
  [[nodiscard]] bool has_visitor() const;

 private:
  int listener_;
  std::uint16_t port_ = 0;
};

}  // namespace reachback::test
