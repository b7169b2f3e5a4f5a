#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/outbox.hpp"
#include "reachback/proto/close_code.hpp"
#include "wire/http_head.hpp"

namespace reachback::wire {

enum class Role : std::uint8_t { server, client };

/// What a codec reports while it takes bytes. Called from inside `feed`, on the connection's shard; must not
/// destroy the codec.
class WebSocketSink {
 public:
  virtual void on_message(core::MessageKind kind, core::Buffer message) = 0;
  /// At the end of a `feed` inside a message of which more has come: all of it so far.
  virtual void on_partial(core::MessageKind kind, std::string_view so_far) = 0;
  virtual void on_pong(std::string_view payload) = 0;

 protected:
  ~WebSocketSink() = default;
};

/// Where a WebSocket stands.
enum class WebSocketState : std::uint8_t {
  open,
  closed_by_peer,  ///< the peer's close frame came and was answered
  failed,          ///< the peer broke RFC 6455 or a limit; a close frame with the right code has been written
};

/// RFC 6455 as a codec over memory: bytes in, messages out. Handshakes and control frames are Beast's, data
/// frames our own: Beast unmasks four bytes at a time and checks eight. It does no I/O and knows no time.
/// Everything it has to send (frames, pongs, the answer to a close) it appends to `out`.
class WebSocketCodec {
 public:
  /// `out` and `sink` must outlive the codec. For a server that has read an upgrade request: checks it,
  /// appends the 101 response (with `Server: reachback`, no extension whatever was offered, and `subprotocol`
  /// as the chosen one unless it is empty) to `out`. `fault` gets a sentence and the result is null when the
  /// request is no valid upgrade; then nothing is appended.
  [[nodiscard]] static std::unique_ptr<WebSocketCodec> accept(HttpRequestHead const& request,
                                                              std::size_t message_limit, WebSocketSink& sink,
                                                              core::Buffer& out, std::string& fault,
                                                              std::string_view subprotocol = {});
  /// For a client whose upgrade was answered with 101 and the right `Sec-WebSocket-Accept`. Sends masked
  /// frames.
  [[nodiscard]] static std::unique_ptr<WebSocketCodec> client(std::size_t message_limit, WebSocketSink& sink,
                                                              core::Buffer& out);

  ~WebSocketCodec();
  WebSocketCodec(WebSocketCodec const&) = delete;
  WebSocketCodec& operator=(WebSocketCodec const&) = delete;

  /// Where the next bytes of a big message belong: what is received there and then fed is not copied any
  /// more. Empty when that is not so; for the next receive only.
  [[nodiscard]] std::span<char> receive_room(std::size_t at_most);
  /// Takes all of `bytes`, in whatever pieces they come, and reports what became complete. After a return
  /// value other than `open` the codec takes and sends nothing more.
  [[nodiscard]] WebSocketState feed(std::string_view bytes);
  [[nodiscard]] WebSocketState state() const;
  /// The code of the peer's close frame, or the one we failed with; nothing while open. A close frame without
  /// a code is 1005.
  [[nodiscard]] std::optional<std::uint16_t> close_code() const;

  /// Bytes held of a message that is not complete.
  [[nodiscard]] std::size_t partial_bytes() const;

  /// Appends one frame. The frames of a message follow each other; control frames may stand between them.
  void write(core::Fragment const& fragment);
  void ping(std::string_view payload);
  /// Appends a close frame; nothing but answers to the peer's frames is sent afterwards. `reason` is cut at
  /// 123 bytes.
  void close(std::uint16_t code, std::string_view reason);

 private:
  class Impl;
  explicit WebSocketCodec(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The client's side of the opening handshake (RFC 6455, 4.1).
struct ClientHandshake {
  std::string key;     ///< `Sec-WebSocket-Key`: 16 random bytes in base64
  std::string accept;  ///< what the server must answer in `Sec-WebSocket-Accept`
};
[[nodiscard]] ClientHandshake make_client_handshake();

}  // namespace reachback::wire
