// A server and a client of ours that talk as a script has it: what one writes the other reads, in whatever
// fragments and pieces, with control frames between, until one of them closes.
#include <array>
#include <deque>
#include <memory>
#include <string>

#include "input.hpp"
#include "pieces.hpp"
#include "target.hpp"
#include "websocket_reference.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::fuzz {
namespace {

using wire::WebSocketState;

constexpr std::size_t limit = 140'000;

class Side final : public wire::WebSocketSink {
 public:
  void on_message(core::MessageKind kind, core::Buffer message) override {
    expect(!other->sent_.empty(), "nothing is heard that was not said");
    expect(other->sent_.front() == Heard{kind, std::string(message.view())}, "messages arrive in order");
    other->sent_.pop_front();
  }
  void on_partial(core::MessageKind, std::string_view so_far) override {
    expect(so_far.size() <= limit, "the beginning of a message is within the limit");
  }
  void on_pong(std::string_view payload) override {
    expect(!pings_.empty() && pings_.front() == payload, "pongs come in order");
    pings_.pop_front();
  }

  void write(Input& script) {
    if (closing_) return;
    bool const first = message_.text.empty() && !inside_;
    if (first) message_.kind = script.flag() ? core::MessageKind::binary : core::MessageKind::text;
    constexpr std::array<std::size_t, 16> sizes = {0,   1,   2,   5,   20,   60,   125,   126,
                                                   127, 200, 300, 600, 1000, 3000, 65535, 65536};
    std::string const body(sizes[script.number(0, 15)], static_cast<char>(script.number('a', 'z')));
    bool const last = script.flag() || message_.text.size() + body.size() > limit / 2;
    std::size_t const head = std::min<std::size_t>(body.size(), script.number(0, 9));
    if (message_.text.size() + body.size() > limit) return;
    auto const view = std::string_view(body);
    codec->write({.kind = message_.kind,
                  .head = view.substr(0, head),
                  .body = view.substr(head),
                  .position = last ? core::FramePosition::last : core::FramePosition::more_follow,
                  .first = first});
    message_.text += body;
    inside_ = !last;
    if (!last) return;
    sent_.push_back(std::move(message_));
    message_ = {};
  }
  void ping(Input& script) {
    if (closing_) return;
    std::string const payload(script.number(0, 125), 'p');
    pings_.push_back(payload);
    codec->ping(payload);
  }
  void close(Input& script) {
    codec->close(script.flag() ? 1000 : 4000, std::string(script.number(0, 200), 'r'));
    closing_ = true;
  }
  /// Gives the other side what was written.
  void deliver(Cut cut) {
    std::string const bytes(out.view());
    out.clear();
    Pieces pieces(cut, bytes);
    for (std::string_view rest = bytes; !rest.empty();) {
      auto const state = other->codec->feed(pieces.take(rest));
      expect(state != WebSocketState::failed, "our own frames are never wrong");
    }
  }
  /// After an exchange to the end.
  void check_end() const {
    if (codec->state() == WebSocketState::open && !closing_)
      expect(sent_.empty() && pings_.empty(), "all that was said was heard");
    expect(!closing_ || other->codec->state() == WebSocketState::closed_by_peer, "a closing is heard");
    expect(!closing_ || codec->state() == WebSocketState::closed_by_peer, "a closing is answered");
  }

  Side* other = nullptr;
  core::Buffer out;
  std::unique_ptr<wire::WebSocketCodec> codec;

 private:
  std::deque<Heard> sent_;
  std::deque<std::string> pings_;
  Heard message_{core::MessageKind::text, {}};
  bool inside_ = false;
  bool closing_ = false;
};

wire::HttpRequestHead upgrade() {
  wire::HttpRequestHead head;
  head.method = "GET";
  head.target = "/";
  for (auto const& [name, value] : {std::pair{"Host", "x"},
                                    {"Upgrade", "websocket"},
                                    {"Connection", "Upgrade"},
                                    {"Sec-WebSocket-Version", "13"},
                                    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}})
    head.fields.add(name, value);
  return head;
}

void run(std::string_view input) {
  Side server, client;
  server.other = &client;
  client.other = &server;
  std::string fault;
  server.codec = wire::WebSocketCodec::accept(upgrade(), limit, server, server.out, fault);
  client.codec = wire::WebSocketCodec::client(limit, client, client.out);
  server.out.clear();
  Input script(input);
  for (int steps = 0; steps < 40 && !script.empty(); ++steps) {
    Side& side = script.flag() ? server : client;
    switch (script.number(0, 7)) {
      case 0:
        side.close(script);
        break;
      case 1:
        side.ping(script);
        break;
      case 2:
        side.deliver(Cut::whole);
        break;
      case 3:
        side.deliver(Cut::mixed);
        break;
      default:
        side.write(script);
    }
  }
  for (int turn = 0; turn < 3; ++turn) {
    server.deliver(Cut::whole);
    client.deliver(Cut::whole);
  }
  server.check_end();
  client.check_end();
}

Registration const registration("websocket_exchange", run);

}  // namespace
}  // namespace reachback::fuzz
