#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reachback/proto/ids.hpp"
#include "wire/http_parser.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::fuzz {

/// The other end of a TCP connection to the gateway, in the fuzzer's own thread. Nothing here waits. It reads
/// all that the gateway says, and holds it to the rules of HTTP and RFC 6455 as long as it has kept them
/// itself.
class Peer final : private wire::WebSocketSink {
 public:
  explicit Peer(std::uint16_t port);
  ~Peer();
  Peer(Peer const&) = delete;
  Peer& operator=(Peer const&) = delete;

  /// A well-formed request.
  void request(std::string_view bytes);
  /// A well-formed upgrade; frames follow.
  void upgrade(std::string_view bytes);
  /// Whatever the script has.
  void send_raw(std::string_view bytes);
  void send_text(std::string_view text);
  /// The end of what it sends.
  void shut_down();
  /// The end of all, with a reset.
  void reset();
  /// Takes in what has come; whether anything has.
  bool receive();

  /// Of the calls that have come and of which the script has not yet been told.
  [[nodiscard]] std::vector<proto::CallId> take_calls() { return std::exchange(calls_, {}); }
  [[nodiscard]] bool is_open() const { return socket_ >= 0; }
  [[nodiscard]] bool is_websocket() const { return upgrading_; }

 private:
  void on_message(core::MessageKind kind, core::Buffer message) override;
  void on_partial(core::MessageKind, std::string_view) override {}
  void on_pong(std::string_view) override {}

  void send(std::string_view bytes);
  void take(std::string_view bytes);
  void take_http();
  void answer_done();

  int socket_ = -1;
  bool upgrading_ = false;
  bool is_lawful_ = true;       ///< it has sent nothing but well-formed requests: so are the answers
  std::size_t unanswered_ = 0;  ///< requests
  std::string in_;
  std::optional<wire::HttpResponseParser> parser_;
  core::Buffer out_;
  std::unique_ptr<wire::WebSocketCodec> codec_;
  std::vector<proto::CallId> calls_;
};

}  // namespace reachback::fuzz
