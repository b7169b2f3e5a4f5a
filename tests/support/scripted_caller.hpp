#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "support/messages.hpp"
#include "support/tcp_stream.hpp"

namespace reachback::test {

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;

  /// The value of a header field; empty when it is not there.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] bool says(std::string_view text) const { return body.find(text) != std::string::npos; }
};

/// A call as the caller words it.
struct AskedCall {
  std::string_view endpoint = "wsData";
  std::string_view query = "";  ///< with its question mark
  std::string_view accept = "application/json";
};

inline constexpr AskedCall as_lines{.endpoint = "wsData", .query = "", .accept = "application/x-ndjson"};

/// An HTTP client that the test drives step by step with blocking system calls; it has a credential.
class ScriptedCaller {
 public:
  explicit ScriptedCaller(std::uint16_t port, Window window = Window::usual) : stream_(port, window) {}

  void send(std::string_view bytes) { stream_.write(bytes); }
  void request(std::string_view method, std::string_view target, std::string_view body = "",
               std::string_view fields = "");
  /// Sends a call and doesn't wait for its answer.
  void call(std::string_view message = request_text, AskedCall const& asked = {});

  /// Status and fields of the next answer; its body is still to be read.
  [[nodiscard]] HttpAnswer read_head();
  /// The next chunk of a chunked body; empty at its end.
  [[nodiscard]] std::string read_chunk();
  /// A whole answer.
  [[nodiscard]] HttpAnswer read_answer();
  /// A call and its answer.
  [[nodiscard]] HttpAnswer ask(std::string_view message = request_text, AskedCall const& asked = {});
  [[nodiscard]] HttpAnswer get(std::string_view target);

  [[nodiscard]] TcpStream& stream() { return stream_; }

 private:
  TcpStream stream_;
};

}  // namespace reachback::test
