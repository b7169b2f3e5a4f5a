#include "wire/websocket_codec.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <random>
#include <utility>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/utf8.hpp"
#include "wire/frame_gate.hpp"
#include "wire/memory_layer.hpp"

namespace reachback::wire {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

/// Found by Beast's stream when a connection ends: whoever owns the socket closes it.
static void teardown(beast::role_type, MemoryLayer&, error_code& error) { error = {}; }

namespace {

using Stream = websocket::stream<MemoryLayer, false>;
using UpgradeRequest = http::request<http::empty_body>;

/// How much Beast's stream reads ahead (its private `tcp_frame_size`). Whoever reads with less room than that
/// leaves bytes inside Beast, where nobody would ask for them.
constexpr std::size_t beast_buffer_size = 1536;

/// The peer's frames through the gate; what is sent goes to `out`, or nowhere.
class FrameWire final : public Wire {
 public:
  explicit FrameWire(core::Buffer& out) : out_(&out) {}

  [[nodiscard]] std::string_view next_piece() override {
    auto const piece = gate_.next();
    if (piece.empty()) throw OutOfBytes{};
    return piece;
  }
  void send(std::string_view bytes) override {
    if (out_ != nullptr) out_->append(bytes);
  }

  [[nodiscard]] FrameGate& gate() { return gate_; }
  [[nodiscard]] core::Buffer& out() { return *out_; }
  void mute() { out_ = nullptr; }
  [[nodiscard]] bool muted() const { return out_ == nullptr; }

 private:
  FrameGate gate_;
  core::Buffer* out_;
};

/// The other side of an opening handshake that happens in memory only. To a client it answers like a server.
class RehearsalWire final : public Wire {
 public:
  void send(std::string_view bytes) override { said_.append(bytes); }

  [[nodiscard]] std::string_view next_piece() override {
    constexpr std::string_view field = "Sec-WebSocket-Key: ";
    auto const from = said_.find(field) + field.size();
    websocket::detail::sec_ws_accept_type accept;
    websocket::detail::make_sec_ws_accept(accept, said_.substr(from, said_.find("\r\n", from) - from));
    answer_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: ";
    answer_.append(accept.data(), accept.size()).append("\r\n\r\n");
    return answer_;
  }

 private:
  std::string said_;
  std::string answer_;
};

/// Opens a client's stream. Beast does that only by its own handshake, but ours has already happened over the
/// network, where `net` could time it and read a refusal's answer: so Beast's is rehearsed in memory with a
/// server that agrees.
void open_client(Stream& stream) {
  RehearsalWire server;
  stream.next_layer().connect(server);
  // Beast's "secure" masks come from the generator that repeats itself (see make_client_handshake).
  stream.secure_prng(false);
  error_code error;
  stream.handshake("rehearsal", "/", error);
}

std::string joined(std::vector<std::string_view> const& values) {
  std::string list;
  for (auto const value : values) {
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

/// Only what the handshake is about: no extension that was offered, no `Expect` that Beast would answer.
UpgradeRequest to_beast(HttpRequestHead const& head) {
  UpgradeRequest request;
  request.version(static_cast<unsigned>(head.version));
  request.method_string(head.method);
  request.target(head.target);
  for (auto const name : {http::field::host, http::field::connection, http::field::upgrade,
                          http::field::sec_websocket_key, http::field::sec_websocket_version}) {
    // A list may stand on several lines, and Beast looks at the first.
    auto const values = head.fields.all(http::to_string(name));
    if (!values.empty()) request.set(name, joined(values));
  }
  return request;
}

/// Opens a server's stream in answer to any valid request.
void open_server(Stream& stream) {
  HttpRequestHead head;
  head.method = "GET";
  head.target = "/";
  head.fields.add("Host", "rehearsal");
  head.fields.add("Connection", "Upgrade");
  head.fields.add("Upgrade", "websocket");
  head.fields.add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
  head.fields.add("Sec-WebSocket-Version", "13");
  RehearsalWire client;
  stream.next_layer().connect(client);
  error_code error;
  stream.accept(to_beast(head), error);
}

/// RFC 6455, 4.2.1: 16 bytes in base64. Beast takes any text up to that length.
bool is_key(std::string_view key) { return key.size() == 24 && key.ends_with("=="); }

/// Whether the text, valid so far, stops inside a character.
bool ends_inside_character(std::string_view text) {
  std::size_t const last = std::min<std::size_t>(text.size(), 3);
  for (std::size_t back = 1; back <= last; ++back) {
    auto const byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return false;
    std::size_t const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (byte >= 0xc0) return back < length;
  }
  return false;
}

proto::CloseCode code_of(error_code error) {
  if (error == websocket::error::message_too_big) return proto::CloseCode::too_big;
  if (error == websocket::error::bad_frame_payload) return proto::CloseCode::bad_payload;
  return proto::CloseCode::protocol_error;
}

}  // namespace

class WebSocketCodec::Impl {
 public:
  Impl(Role role, std::size_t message_limit, WebSocketSink& sink, core::Buffer& out)
      : role_(role), sink_(sink), wire_(out), stream_(MemoryLayer(wire_)) {
    stream_.read_message_max(message_limit);
    stream_.auto_fragment(false);
    stream_.control_callback(
        [this](websocket::frame_type kind, beast::string_view payload) { on_control(kind, payload); });
  }

  [[nodiscard]] error_code accept(HttpRequestHead const& request, std::string_view subprotocol);
  void open_as_client();

  [[nodiscard]] WebSocketState feed(std::string_view bytes);
  [[nodiscard]] WebSocketState state() const { return state_; }
  [[nodiscard]] std::optional<std::uint16_t> close_code() const { return close_code_; }
  [[nodiscard]] std::size_t partial_bytes() const { return message_.size(); }

  void write(core::Fragment const& fragment);
  void ping(std::string_view payload);
  void close(std::uint16_t code, std::string_view reason);

 private:
  [[nodiscard]] bool may_send() const { return state_ == WebSocketState::open && !wire_.muted(); }
  [[nodiscard]] core::MessageKind kind() const {
    return stream_.got_text() ? core::MessageKind::text : core::MessageKind::binary;
  }
  [[nodiscard]] bool has_input();
  void read_piece();
  WebSocketState show_partial();
  void on_control(websocket::frame_type kind, std::string_view payload);
  void deliver_message();
  void end(error_code error);
  void fail(proto::CloseCode code);

  Role const role_;
  WebSocketState state_ = WebSocketState::open;
  std::optional<std::uint16_t> close_code_;
  WebSocketSink& sink_;
  core::Buffer message_;
  FrameWire wire_;
  Stream stream_;
};

error_code WebSocketCodec::Impl::accept(HttpRequestHead const& request, std::string_view subprotocol) {
  if (request.fields.has("Sec-WebSocket-Key") && !is_key(request.fields.get("Sec-WebSocket-Key"))) {
    return websocket::error::bad_sec_key;
  }
  // Beast writes its answer to a bad request too; that one is the caller's to give.
  core::Buffer answer;
  FrameWire reply(answer);
  stream_.next_layer().connect(reply);
  stream_.set_option(websocket::stream_base::decorator([subprotocol](websocket::response_type& response) {
    response.set(http::field::server, "reachback");
    if (!subprotocol.empty()) response.set(http::field::sec_websocket_protocol, subprotocol);
  }));
  error_code error;
  stream_.accept(to_beast(request), error);
  stream_.next_layer().connect(wire_);
  if (!error) wire_.send(answer.view());
  return error;
}

void WebSocketCodec::Impl::open_as_client() {
  open_client(stream_);
  stream_.next_layer().connect(wire_);
}

WebSocketState WebSocketCodec::Impl::feed(std::string_view bytes) {
  if (state_ != WebSocketState::open) return state_;
  wire_.gate().offer(bytes);
  try {
    while (state_ == WebSocketState::open && has_input()) read_piece();
  } catch (OutOfBytes const&) {
    // After a control frame or an empty fragment Beast looks for the next header at once.
    return show_partial();
  }
  return show_partial();
}

WebSocketState WebSocketCodec::Impl::show_partial() {
  if (state_ == WebSocketState::open && !message_.empty()) sink_.on_partial(kind(), message_.view());
  return state_;
}

bool WebSocketCodec::Impl::has_input() {
  auto& offered = stream_.next_layer().offered();
  if (offered.empty()) offered = wire_.gate().next();
  return !offered.empty();
}

void WebSocketCodec::Impl::read_piece() {
  // A small piece is copied once more, but its message gets memory for just its size; a big one is written
  // where it stays.
  std::array<char, beast_buffer_size> small;
  std::size_t const at_hand = stream_.next_layer().offered().size();
  bool const is_big = at_hand > small.size();
  auto const room = is_big ? asio::buffer(message_.prepare(at_hand), at_hand) : asio::buffer(small);
  error_code error;
  std::size_t const count = stream_.read_some(room, error);
  if (error) return end(error);
  if (is_big) {
    message_.grow_by(count);
  } else {
    message_.append({small.data(), count});
  }
  if (stream_.is_message_done()) deliver_message();
}

void WebSocketCodec::Impl::on_control(websocket::frame_type kind, std::string_view payload) {
  if (kind == websocket::frame_type::pong) sink_.on_pong(payload);
  // Codes from 5000 on are nobody's (RFC 6455, 7.4.2), but Beast would take and return them.
  if (kind == websocket::frame_type::close && stream_.reason().code >= 5000)
    fail(proto::CloseCode::protocol_error);
}

void WebSocketCodec::Impl::deliver_message() {
  auto message = std::exchange(message_, core::Buffer());
  // When the last frame is empty Beast does not ask whether the text before it was complete.
  if (stream_.got_text() && ends_inside_character(message.view())) return fail(proto::CloseCode::bad_payload);
  sink_.on_message(kind(), std::move(message));
}

void WebSocketCodec::Impl::end(error_code error) {
  message_ = core::Buffer();
  if (state_ != WebSocketState::open) return;
  if (error != websocket::error::closed) {
    state_ = WebSocketState::failed;
    close_code_ = static_cast<std::uint16_t>(code_of(error));
    return;
  }
  state_ = WebSocketState::closed_by_peer;
  std::uint16_t const code = stream_.reason().code;
  close_code_ = code == websocket::close_code::none ? std::uint16_t{websocket::close_code::no_status} : code;
}

void WebSocketCodec::Impl::fail(proto::CloseCode code) {
  close(static_cast<std::uint16_t>(code), {});
  state_ = WebSocketState::failed;
  close_code_ = static_cast<std::uint16_t>(code);
}

void WebSocketCodec::Impl::write(core::Fragment const& fragment) {
  if (!may_send()) return;
  if (fragment.first) stream_.binary(fragment.kind == core::MessageKind::binary);
  std::array const payload{asio::buffer(fragment.head), asio::buffer(fragment.body)};
  error_code error;
  stream_.write_some(fragment.position == core::FramePosition::last, payload, error);
}

void WebSocketCodec::Impl::ping(std::string_view payload) {
  if (!may_send()) return;
  auto const cut = payload.substr(0, websocket::ping_data::static_capacity);
  error_code error;
  stream_.ping(websocket::ping_data(cut.data(), cut.size()), error);
}

void WebSocketCodec::Impl::close(std::uint16_t code, std::string_view reason) {
  if (!may_send()) return;
  // A stream of its own says goodbye and ours goes on reading, muted. For Beast's synchronous close() would
  // throw away the peer's messages, and after it read_some() must not meet the peer's close frame (Beast
  // asserts that).
  FrameWire farewell(wire_.out());
  Stream speaker(MemoryLayer{farewell});
  role_ == Role::server ? open_server(speaker) : open_client(speaker);
  speaker.next_layer().connect(farewell);
  auto const cut = proto::cut_between_characters(reason, proto::max_close_reason);
  try {
    error_code error;
    speaker.close({websocket::close_code(code), beast::string_view(cut)}, error);
  } catch (OutOfBytes const&) {
    // Its frame is written; now it waits for the peer's, which the other stream will get.
    farewell.mute();
  }
  wire_.mute();
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
  auto impl = std::make_unique<Impl>(Role::client, message_limit, sink, out);
  impl->open_as_client();
  return std::unique_ptr<WebSocketCodec>(new WebSocketCodec(std::move(impl)));
}

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
