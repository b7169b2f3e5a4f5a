#include "wire/websocket_codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <utility>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/utf8.hpp"
#include "wire/data_frame.hpp"
#include "wire/frame_reader.hpp"
#include "wire/memory_layer.hpp"
#include "wire/stream_pool.hpp"

namespace reachback::wire {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

/// Speaks and never hears anything.
class Mouth final : public Wire {
 public:
  explicit Mouth(core::Buffer& out) : out_(out) {}

  [[nodiscard]] std::string_view next_piece() override { throw OutOfBytes{}; }
  void send(std::string_view bytes) override { out_.append(bytes); }
  void on_control(websocket::frame_type, std::string_view) override {}

 private:
  core::Buffer& out_;
};

/// Of a message of which less is to come, the rest is copied once.
constexpr std::size_t received_in_place_from = 16 * 1024;

/// RFC 6455, 4.2.1: 16 bytes in base64. Beast takes any text up to that length.
bool is_key(std::string_view key) { return key.size() == 24 && key.ends_with("=="); }

}  // namespace

class WebSocketCodec::Impl final : private Wire {
 public:
  Impl(Role role, std::size_t message_limit, WebSocketSink& sink, core::Buffer& out)
      : role_(role), sink_(sink), out_(out), reader_(role, message_limit) {}

  [[nodiscard]] error_code accept(HttpRequestHead const& request, std::string_view subprotocol);

  [[nodiscard]] std::span<char> receive_room(std::size_t at_most);
  [[nodiscard]] WebSocketState feed(std::string_view bytes);
  [[nodiscard]] WebSocketState state() const { return state_; }
  [[nodiscard]] std::optional<std::uint16_t> close_code() const { return close_code_; }
  [[nodiscard]] std::size_t partial_bytes() const { return message_.size(); }

  void write(core::Fragment const& fragment);
  void ping(std::string_view payload);
  void close(std::uint16_t code, std::string_view reason);

 private:
  // What a stream of Beast's asks for.
  [[nodiscard]] std::string_view next_piece() override { throw OutOfBytes{}; }
  void send(std::string_view bytes) override {
    if (!muted_) out_.append(bytes);
  }
  void on_control(websocket::frame_type kind, std::string_view payload) override;

  [[nodiscard]] bool may_send() const { return state_ == WebSocketState::open && !muted_; }
  void read();
  void read_payload();
  void read_control(std::string_view frame);
  void end(error_code error, std::uint16_t code);
  void fail(proto::CloseCode code);

  Role const role_;
  WebSocketState state_ = WebSocketState::open;
  bool muted_ = false;  ///< our close frame is written, the last that we send
  std::optional<std::uint16_t> close_code_;
  WebSocketSink& sink_;
  core::Buffer& out_;
  FrameReader reader_;
  core::Buffer message_;
  proto::Utf8Checker text_;       ///< how far the message, if it is text, has been checked
  Stream* control_ = nullptr;     ///< takes a control frame
  std::optional<Stream> writer_;  ///< a client's, borrowed while a message goes out
};

error_code WebSocketCodec::Impl::accept(HttpRequestHead const& request, std::string_view subprotocol) {
  if (request.fields.has("Sec-WebSocket-Key") && !is_key(request.fields.get("Sec-WebSocket-Key"))) {
    return websocket::error::bad_sec_key;
  }
  // Beast writes its answer to a bad request too; that one is the caller's to give.
  core::Buffer answer;
  Mouth mouth(answer);
  error_code error;
  auto stream = accepted_stream(request, subprotocol, mouth, error);
  if (error) return error;
  out_.append(answer.view());
  StreamPool::of(role_).give(std::move(stream));
  return {};
}

std::span<char> WebSocketCodec::Impl::receive_room(std::size_t at_most) {
  auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(reader_.payload_left(), at_most));
  if (state_ != WebSocketState::open || message_.empty() || size < received_in_place_from) return {};
  return {message_.prepare(size), size};
}

WebSocketState WebSocketCodec::Impl::feed(std::string_view bytes) {
  if (state_ != WebSocketState::open) return state_;
  reader_.offer(bytes);
  read();
  if (state_ != WebSocketState::open) {
    message_ = core::Buffer();
  } else if (!message_.empty()) {
    sink_.on_partial(reader_.kind(), message_.view());
  }
  return state_;
}

void WebSocketCodec::Impl::read() {
  using Step = FrameReader::Step;
  while (state_ == WebSocketState::open) {
    switch (reader_.next()) {
      case Step::need_more:
        return;
      case Step::payload:
        read_payload();
        break;
      case Step::control:
        read_control(reader_.piece());
        break;
      case Step::fault:
        fail(reader_.fault());
        break;
    }
  }
}

void WebSocketCodec::Impl::read_payload() {
  auto const payload = reader_.piece();
  char* const place = message_.prepare(payload.size());
  // It is there already when it was received in the room that we gave.
  if (place != payload.data() && !payload.empty()) std::memcpy(place, payload.data(), payload.size());
  auto const mask = reader_.mask();
  std::size_t const ascii = mask && apply(*mask, place, payload.size()) ? payload.size() : 0;
  message_.grow_by(payload.size());
  bool const ends = reader_.ends_message();
  if (reader_.kind() == core::MessageKind::text &&
      !(ends ? text_.complete(message_.view(), ascii) : text_.grow(message_.view(), ascii)))
    return fail(proto::CloseCode::bad_payload);
  if (!ends) return;
  text_ = {};
  sink_.on_message(reader_.kind(), std::exchange(message_, core::Buffer()));
}

void WebSocketCodec::Impl::read_control(std::string_view frame) {
  auto& pool = StreamPool::of(role_);
  auto stream = pool.take(*this);
  stream.next_layer().offered() = frame;
  control_ = &stream;
  char no_data = 0;
  error_code error;
  try {
    stream.read_some(asio::buffer(&no_data, 1), error);
  } catch (OutOfBytes const&) {
    // It has dealt with the frame and looks for the next.
    control_ = nullptr;
    if (state_ == WebSocketState::open) pool.give(std::move(stream));
    return;
  }
  control_ = nullptr;
  end(error, stream.reason().code);
}

void WebSocketCodec::Impl::on_control(websocket::frame_type kind, std::string_view payload) {
  if (kind == websocket::frame_type::pong) sink_.on_pong(payload);
  // Codes from 5000 on are nobody's (RFC 6455, 7.4.2), but Beast would take and return them.
  if (kind == websocket::frame_type::close && control_->reason().code >= 5000)
    fail(proto::CloseCode::protocol_error);
}

/// Beast ends a connection by a close frame or by a wrong control frame.
void WebSocketCodec::Impl::end(error_code error, std::uint16_t code) {
  if (state_ != WebSocketState::open) return;
  bool const closed = error == websocket::error::closed;
  state_ = closed ? WebSocketState::closed_by_peer : WebSocketState::failed;
  if (!closed) code = static_cast<std::uint16_t>(proto::CloseCode::protocol_error);
  if (code == websocket::close_code::none) code = websocket::close_code::no_status;
  close_code_ = code;
}

void WebSocketCodec::Impl::fail(proto::CloseCode code) {
  close(static_cast<std::uint16_t>(code), {});
  state_ = WebSocketState::failed;
  close_code_ = static_cast<std::uint16_t>(code);
}

void WebSocketCodec::Impl::write(core::Fragment const& fragment) {
  if (!may_send()) return;
  if (role_ == Role::server) return append_frame(out_, fragment);
  auto& pool = StreamPool::of(role_);
  if (!writer_) writer_.emplace(pool.take(*this)).binary(fragment.kind == core::MessageKind::binary);
  std::array const payload{asio::buffer(fragment.head), asio::buffer(fragment.body)};
  bool const is_last = fragment.position == core::FramePosition::last;
  error_code error;
  writer_->write_some(is_last, payload, error);
  if (!is_last) return;
  pool.give(std::move(*writer_));
  writer_.reset();
}

void WebSocketCodec::Impl::ping(std::string_view payload) {
  if (!may_send()) return;
  auto const cut = payload.substr(0, websocket::ping_data::static_capacity);
  // Not by the reader, which is inside of a call of Beast's when the sink pings.
  Mouth mouth(out_);
  auto& pool = StreamPool::of(role_);
  auto speaker = pool.take(mouth);
  error_code error;
  speaker.ping(websocket::ping_data(cut.data(), cut.size()), error);
  pool.give(std::move(speaker));
}

void WebSocketCodec::Impl::close(std::uint16_t code, std::string_view reason) {
  if (!may_send()) return;
  // A stream of its own says goodbye, and the reader goes on, muted. For Beast's synchronous close() would
  // throw away the peer's messages, and after it read_some() must not meet the peer's close frame (Beast
  // asserts that).
  Mouth mouth(out_);
  auto speaker = StreamPool::of(role_).take(mouth);
  auto const cut = proto::cut_between_characters(reason, proto::max_close_reason);
  muted_ = true;
  try {
    error_code error;
    speaker.close({websocket::close_code(code), beast::string_view(cut)}, error);
  } catch (OutOfBytes const&) {
    return;  // Its frame is written; now it waits for the peer's, which the reader will get.
  }
}

WebSocketCodec::WebSocketCodec(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocketCodec::~WebSocketCodec() = default;

std::unique_ptr<WebSocketCodec> WebSocketCodec::accept(HttpRequestHead const& request,
                                                       std::size_t message_limit, WebSocketSink& sink,
                                                       core::Buffer& out, std::string& fault,
                                                       std::string_view subprotocol) {
  auto impl = std::make_unique<Impl>(Role::server, message_limit, sink, out);
  if (auto const error = impl->accept(request, subprotocol)) {
    fault = error.message();
    return nullptr;
  }
  return std::unique_ptr<WebSocketCodec>(new WebSocketCodec(std::move(impl)));
}

std::unique_ptr<WebSocketCodec> WebSocketCodec::client(std::size_t message_limit, WebSocketSink& sink,
                                                       core::Buffer& out) {
  return std::unique_ptr<WebSocketCodec>(
      new WebSocketCodec(std::make_unique<Impl>(Role::client, message_limit, sink, out)));
}

std::span<char> WebSocketCodec::receive_room(std::size_t at_most) { return impl_->receive_room(at_most); }
WebSocketState WebSocketCodec::feed(std::string_view bytes) { return impl_->feed(bytes); }
WebSocketState WebSocketCodec::state() const { return impl_->state(); }
std::optional<std::uint16_t> WebSocketCodec::close_code() const { return impl_->close_code(); }
std::size_t WebSocketCodec::partial_bytes() const { return impl_->partial_bytes(); }
void WebSocketCodec::write(core::Fragment const& fragment) { impl_->write(fragment); }
void WebSocketCodec::ping(std::string_view payload) { impl_->ping(payload); }
void WebSocketCodec::close(std::uint16_t code, std::string_view reason) { impl_->close(code, reason); }

ClientHandshake make_client_handshake() {
  // Not Beast's own key: its generator gives every block of numbers 16 times (Boost 1.81, the counter is
  // divided by 16).
  std::random_device source;
  std::string random_bytes;
  while (random_bytes.size() < 16) random_bytes += static_cast<char>(source() & 0xff);
  auto key = proto::to_base64(random_bytes);
  websocket::detail::sec_ws_accept_type accept;
  websocket::detail::make_sec_ws_accept(accept, key);
  return {std::move(key), std::string(accept.data(), accept.size())};
}

}  // namespace reachback::wire
