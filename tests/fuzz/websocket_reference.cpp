#include "websocket_reference.hpp"

#include <algorithm>

#include "reachback/proto/utf8.hpp"

namespace reachback::fuzz {
namespace {

using wire::WebSocketState;

constexpr unsigned continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10;
constexpr std::size_t most_of_control = 125;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char const c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// Whether more bytes can make a character of these.
bool begins_character(std::string const& bytes) {
  if (bytes.size() > 4) return false;
  if (proto::is_valid_utf8(bytes)) return true;
  for (char const next : {'\x80', '\x90', '\xa0', '\xbf'}) {
    if (begins_character(bytes + next)) return true;
  }
  return false;
}

/// RFC 6455, 7.4, with the codes that IANA has registered since. 1014 is one that not every peer knows.
bool may_be_sent(std::uint16_t code) {
  if (code >= 3000 && code < 5000) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013);
}

class Reader {
 public:
  Reader(wire::Role role, std::size_t limit) : role_(role), limit_(limit) {}

  Reference read(std::string_view bytes) {
    while (open()) {
      auto const frame = take_frame(bytes);
      if (!frame) break;
      if (auto const code = fault_of_header(*frame)) {
        // Whoever waits for the whole of a control frame has not seen this yet.
        if (frame->is_control() && !frame->whole()) {
          result_.may_have_failed = true;
          break;
        }
        fail(code);
        if (frame->length >> 63 != 0) result_.other_code = 1009;
      } else {
        frame->is_control() ? take_control(*frame) : take_data(*frame);
      }
      if (!frame->whole() || result_.unclear) break;
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool open() const { return result_.state == WebSocketState::open; }
  void fail(std::uint16_t code) {
    result_.state = WebSocketState::failed;
    result_.code = code;
  }

  [[nodiscard]] std::uint16_t fault_of_header(Frame const& frame) const {
    bool const known = frame.opcode <= binary || (frame.opcode >= close && frame.opcode <= pong);
    bool const must_be_masked = role_ == wire::Role::server;
    if (!known || frame.reserved_bits != 0 || frame.masked != must_be_masked) return 1002;
    if (!frame.shortest_length || frame.length >> 63 != 0) return 1002;
    if (frame.is_control()) return frame.fin && frame.length <= most_of_control ? 0 : 1002;
    if ((frame.opcode == continuation) != in_message_) return 1002;
    return frame.length > limit_ - message_.size() ? 1009 : 0;
  }

  void take_control(Frame const& frame) {
    if (!frame.whole()) return;
    if (frame.opcode == ping) result_.pings.push_back(frame.payload);
    if (frame.opcode == pong) result_.pongs.push_back(frame.payload);
    if (frame.opcode == close) take_close(frame.payload);
  }

  void take_close(std::string_view payload) {
    result_.state = WebSocketState::closed_by_peer;
    result_.code = 1005;
    if (payload.empty()) return;
    auto const code = static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
    if (payload.size() == 1 || (!may_be_sent(code) && code != 1014)) return fail(1002);
    if (!proto::is_valid_utf8(payload.substr(2))) {
      result_.other_code = 1002;
      return fail(1007);
    }
    result_.code = code;
    if (code == 1014) result_.may_have_failed = true;
  }

  void take_data(Frame const& frame) {
    if (!in_message_) kind_ = frame.opcode == text ? core::MessageKind::text : core::MessageKind::binary;
    in_message_ = true;
    message_ += frame.payload;
    bool const complete = frame.whole() && frame.fin;
    if (kind_ == core::MessageKind::text) check_text(complete);
    if (!open() || !complete) return;
    result_.messages.push_back({kind_, std::move(message_)});
    message_.clear();
    in_message_ = false;
  }

  void check_text(bool complete) {
    std::string const left = message_.substr(proto::valid_utf8_prefix(message_));
    if (left.empty()) return;
    if (complete || left.size() > 3) return fail(1007);
    result_.unclear = !begins_character(left);
  }

  wire::Role role_;
  std::size_t limit_;
  Reference result_;
  bool in_message_ = false;
  core::MessageKind kind_ = core::MessageKind::text;
  std::string message_;
};

}  // namespace

std::optional<Frame> take_frame(std::string_view& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  auto const first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  Frame frame{.opcode = first & 0x0fu,
              .fin = (first & 0x80) != 0,
              .reserved_bits = first & 0x70u,
              .masked = (second & 0x80) != 0,
              .length = second & 0x7fu,
              .payload = {}};
  std::size_t const length_size = frame.length == 126 ? 2 : frame.length == 127 ? 8 : 0;
  std::size_t const header = 2 + length_size + (frame.masked ? 4 : 0);
  if (bytes.size() < header) return std::nullopt;
  if (length_size != 0) {
    frame.length = big_endian(bytes.substr(2, length_size));
    frame.shortest_length = frame.length >= (length_size == 2 ? 126u : 65536u);
  }
  auto const key = bytes.substr(2 + length_size, frame.masked ? 4 : 0);
  bytes.remove_prefix(header);
  frame.payload =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(frame.length, bytes.size())));
  bytes.remove_prefix(frame.payload.size());
  for (std::size_t i = 0; frame.masked && i < frame.payload.size(); ++i)
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ key[i % 4]);
  return frame;
}

Reference read_by_the_book(std::string_view bytes, wire::Role role, std::size_t message_limit) {
  return Reader(role, message_limit).read(bytes);
}

}  // namespace reachback::fuzz
