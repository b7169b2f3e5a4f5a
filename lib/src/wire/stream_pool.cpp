#include "wire/stream_pool.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace reachback::wire {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

using UpgradeRequest = http::request<http::empty_body>;

/// The other side of an opening handshake that happens in memory only. To a client it answers like a server.
class RehearsalWire final : public Wire {
 public:
  void send(std::string_view bytes) override { said_.append(bytes); }
  void on_control(websocket::frame_type, std::string_view) override {}

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

HttpRequestHead any_valid_request() {
  HttpRequestHead head;
  head.method = "GET";
  head.target = "/";
  head.fields.add("Host", "rehearsal");
  head.fields.add("Connection", "Upgrade");
  head.fields.add("Upgrade", "websocket");
  head.fields.add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
  head.fields.add("Sec-WebSocket-Version", "13");
  return head;
}

Stream new_stream(Wire& wire) {
  Stream stream{MemoryLayer(wire)};
  stream.auto_fragment(false);
  // The layer stays where it is when the stream moves, and knows whom the stream serves now.
  stream.control_callback(
      [&layer = stream.next_layer()](websocket::frame_type kind, beast::string_view payload) {
        layer.wire().on_control(kind, payload);
      });
  return stream;
}

/// Beast opens a stream only by a handshake of its own, but ours has already happened over the network, where
/// `net` could time it and read a refusal's answer: so Beast's is rehearsed in memory with a peer that
/// agrees.
Stream opened_stream(Role role, Wire& wire) {
  RehearsalWire peer;
  Stream stream = new_stream(peer);
  error_code error;
  if (role == Role::server) {
    stream.accept(to_beast(any_valid_request()), error);
  } else {
    // Beast's "secure" masks come from the generator that repeats itself (see make_client_handshake).
    stream.secure_prng(false);
    stream.handshake("rehearsal", "/", error);
  }
  stream.next_layer().connect(wire);
  return stream;
}

}  // namespace

StreamPool& StreamPool::of(Role role) {
  thread_local StreamPool server(Role::server);
  thread_local StreamPool client(Role::client);
  return role == Role::server ? server : client;
}

Stream StreamPool::take(Wire& wire) {
  if (kept_.empty()) return opened_stream(role_, wire);
  Stream stream = std::move(kept_.back());
  kept_.pop_back();
  stream.next_layer().connect(wire);
  return stream;
}

Stream accepted_stream(HttpRequestHead const& request, std::string_view subprotocol, Wire& wire,
                       error_code& error) {
  Stream stream = new_stream(wire);
  stream.set_option(websocket::stream_base::decorator(
      [subprotocol = std::string(subprotocol)](websocket::response_type& response) {
        response.set(http::field::server, "reachback");
        if (!subprotocol.empty()) response.set(http::field::sec_websocket_protocol, subprotocol);
      }));
  stream.accept(to_beast(request), error);
  return stream;
}

}  // namespace reachback::wire
