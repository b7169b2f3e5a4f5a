#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace reachback::bench {

/// In which form a large answer is asked for.
enum class Form : std::uint8_t { json, lines, octets };

/// What one run does; the defaults of `--help`.
struct Options {
  std::uint16_t port = 8888;
  int pid = 0;  ///< of the server, whose cost is measured; 0: nobody's
  std::string scenario = "calls";
  std::string token = "test";
  std::size_t concurrency = 1;
  std::size_t size = 8;   ///< bytes of a nonce or message; MiB of a large answer
  double seconds = 1;     ///< measured, after a warm-up
  double warm_up = 0.2;   ///< seconds
  std::size_t calls = 0;  ///< measured instead of the seconds, when not 0
  Form form = Form::lines;
  bool compressed = false;  ///< parts
  std::size_t pending = 0;  ///< calls that nobody answers meanwhile
  std::size_t held = 0;     ///< calls that others have begun and nobody answers
  std::size_t idle = 0;     ///< other WebSockets meanwhile
  std::string idle_endpoint = "wsUser";
  bool socket_io = false;  ///< the service of calls speaks socket.io
  double rate = 1000;      ///< of stream: small calls per second
  double read_mib = 0;     ///< of stream: what the caller takes per second; 0: all
  double send_mib = 0;     ///< of stream: what the service's link carries per second; 0: any
  bool credits = false;    ///< of stream: the service speaks reachback.v1
  bool may_sleep = false;
  bool same_connection = false;  ///< of stream: for the small calls too
};

/// Throws std::invalid_argument with a sentence.
[[nodiscard]] Options read_options(int argc, char** argv);

}  // namespace reachback::bench
