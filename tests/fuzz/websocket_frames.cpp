// Frames from a peer, for a server and for a client (the first byte says which): heard is what RFC 6455 says,
// whatever pieces they come in, and no message is over the limit.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "pieces.hpp"
#include "reachback/proto/utf8.hpp"
#include "target.hpp"
#include "websocket_reference.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::fuzz {
namespace {

using wire::Role;
using wire::WebSocketState;

/// Over what is received in place.
constexpr std::size_t limit = 20'000;

class Listening final : public wire::WebSocketSink {
 public:
  void on_message(core::MessageKind kind, core::Buffer message) override {
    expect(message.size() <= limit, "a message is within the limit");
    expect(kind != core::MessageKind::text || proto::is_valid_utf8(message.view()), "a text is UTF-8");
    expect(message.view().starts_with(so_far), "a message goes on as it began");
    so_far.clear();
    messages.push_back({kind, std::string(message.view())});
  }
  void on_partial(core::MessageKind kind, std::string_view text) override {
    expect(text.size() <= limit, "the beginning of a message is within the limit");
    expect(kind != core::MessageKind::text || text.size() - proto::valid_utf8_prefix(text) <= 3,
           "the beginning of a text is UTF-8 but for its last character");
    expect(text.starts_with(so_far), "a message grows");
    so_far = text;
  }
  void on_pong(std::string_view payload) override { pongs.emplace_back(payload); }

  std::vector<Heard> messages;
  std::vector<std::string> pongs;
  std::string so_far;
};

wire::HttpRequestHead upgrade() {
  wire::HttpRequestHead head;
  head.method = "GET";
  head.target = "/wsData";
  head.fields.add("Host", "x");
  head.fields.add("Upgrade", "websocket");
  head.fields.add("Connection", "Upgrade");
  head.fields.add("Sec-WebSocket-Version", "13");
  head.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  return head;
}

struct Peer {
  explicit Peer(Role role) {
    std::string fault;
    codec = role == Role::client ? wire::WebSocketCodec::client(limit, sink, out)
                                 : wire::WebSocketCodec::accept(upgrade(), limit, sink, out, fault);
    out.clear();
  }
  /// As a connection does: what belongs into a big message is received there.
  void feed(std::string_view piece) {
    auto const room = codec->receive_room(piece.size());
    if (room.empty() || room.size() < piece.size()) return static_cast<void>(codec->feed(piece));
    piece.copy(room.data(), piece.size());
    (void)codec->feed({room.data(), piece.size()});
  }

  Listening sink;
  core::Buffer out;
  std::unique_ptr<wire::WebSocketCodec> codec;
};

void check_output(Peer const& peer, Reference const& reference, Role role) {
  std::string_view bytes = peer.out.view();
  std::size_t pongs = 0, closes = 0;
  while (auto const frame = take_frame(bytes)) {
    expect(frame->whole() && frame->fin && frame->reserved_bits == 0, "what is sent is whole frames");
    expect(frame->masked == (role == Role::client), "only a client masks");
    expect(closes == 0, "nothing is sent behind a close frame");
    if (frame->opcode == 10) {
      expect(pongs < reference.pings.size() && frame->payload == reference.pings[pongs],
             "a pong says what its ping said");
      ++pongs;
      continue;
    }
    expect(frame->opcode == 8, "nothing but pongs and a close frame is sent unasked");
    ++closes;
    if (peer.codec->close_code() == 1005) continue;
    auto const code = static_cast<unsigned>(static_cast<unsigned char>(frame->payload.at(0))) << 8 |
                      static_cast<unsigned char>(frame->payload.at(1));
    expect(code == peer.codec->close_code(), "the close frame has the code that is told");
  }
  expect(bytes.empty(), "no half frame is sent");
  expect(pongs == reference.pings.size(), "every ping is answered");
  expect(closes == (peer.codec->state() == WebSocketState::open ? 0 : 1), "an end is said once");
}

void check(Peer const& peer, Reference const& reference, Role role) {
  auto const& codec = *peer.codec;
  if (reference.unclear) {
    auto const& heard = peer.sink.messages;
    return expect(heard.size() >= reference.messages.size() &&
                      std::equal(reference.messages.begin(), reference.messages.end(), heard.begin()),
                  "what came before is heard");
  }
  expect(peer.sink.messages == reference.messages, "the messages are those of the book");
  expect(peer.sink.pongs == reference.pongs, "the pongs are those of the book");
  expect(codec.close_code().has_value() == (codec.state() != WebSocketState::open), "an end has a code");
  expect(codec.partial_bytes() <= limit, "what is kept is within the limit");
  bool const failed_early = reference.may_have_failed && codec.state() == WebSocketState::failed;
  expect(codec.state() == reference.state || failed_early, "the state is that of the book");
  bool const ended = codec.state() != WebSocketState::open && !failed_early;
  expect(!ended || codec.close_code() == reference.code || codec.close_code() == reference.other_code,
         "the code is that of the book");
  check_output(peer, reference, role);
}

void run(std::string_view input) {
  Role const role = input.starts_with('c') ? Role::client : Role::server;
  input.remove_prefix(std::min<std::size_t>(1, input.size()));
  auto const reference = read_by_the_book(input, role, limit);
  for (auto const cut : every_cut) {
    Peer peer(role);
    Pieces pieces(cut, input);
    for (auto rest = input; !rest.empty();) {
      peer.feed(pieces.take(rest));
      if (peer.codec->state() != WebSocketState::open) break;
    }
    check(peer, reference, role);
  }
}

Registration const registration("websocket_frames", run);

}  // namespace
}  // namespace reachback::fuzz
