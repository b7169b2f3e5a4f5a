// A server's reading of requests: the same whatever pieces they come in, within the limits, and what was
// understood, written plainly, reads back the same. An upgrade is answered as RFC 6455 has it.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "pieces.hpp"
#include "reachback/proto/base64.hpp"
#include "target.hpp"
#include "wire/http_parser.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::fuzz {
namespace {

using wire::HttpFault;
using wire::HttpProgress;
using wire::HttpRequestHead;

constexpr wire::HttpLimits limits{.head = 700, .body = 1000};

struct Message {
  HttpProgress progress = HttpProgress::head;
  HttpFault fault = HttpFault::none;
  HttpRequestHead head;
  std::string body;
};

bool has_head(Message const& message) {
  return message.progress == HttpProgress::body || message.progress == HttpProgress::done ||
         message.fault == HttpFault::body_too_large;
}

Message message_of(wire::HttpRequestParser& parser) {
  Message message{parser.progress(), parser.fault(), {}, {}};
  if (has_head(message)) message.head = parser.head();
  if (message.progress == HttpProgress::done) message.body = parser.body();
  expect(parser.body().size() <= limits.body, "a body is within the limit");
  return message;
}

/// Requests one behind the other, until the input, the connection or the patience with it ends.
std::vector<Message> read(std::string_view bytes, Cut cut) {
  std::vector<Message> messages;
  wire::HttpRequestParser parser(limits);
  Pieces pieces(cut, bytes);
  std::string waiting;
  while (true) {
    std::size_t const taken = parser.feed(waiting);
    expect(taken <= waiting.size(), "no more is taken than there is");
    waiting.erase(0, taken);
    auto const progress = parser.progress();
    if (progress == HttpProgress::done || progress == HttpProgress::failed) {
      messages.push_back(message_of(parser));
      if (progress == HttpProgress::failed || messages.back().head.websocket_upgrade) return messages;
      parser.reset();
    } else if (taken == 0) {
      expect(waiting.size() <= limits.head, "no more is kept waiting than a head may have");
      if (bytes.empty()) break;
      waiting += pieces.take(bytes);
    }
  }
  messages.push_back(message_of(parser));
  return messages;
}

void expect_same_fields(wire::HttpFields const& a, wire::HttpFields const& b) {
  expect(a.size() == b.size(), "as many fields");
  for (std::size_t i = 0; i < a.size(); ++i)
    expect(a[i].name == b[i].name && a[i].value == b[i].value, "the same fields");
}

void expect_same(HttpRequestHead const& a, HttpRequestHead const& b) {
  expect(a.method == b.method && a.target == b.target && a.version == b.version, "the same request line");
  expect_same_fields(a.fields, b.fields);
  expect(a.keep_alive == b.keep_alive && a.websocket_upgrade == b.websocket_upgrade, "the same connection");
  expect(a.expects_continue == b.expects_continue && a.expects_other == b.expects_other,
         "the same expectations");
  expect(a.chunked == b.chunked && a.content_length == b.content_length, "the same framing");
}

/// A head that comes in pieces may be judged when all of it is there, or never; so may the few bytes behind a
/// chunk.
bool is_told_later(Message const& whole, Message const& in_pieces) {
  bool const too_long =
      in_pieces.fault == HttpFault::head_too_large || in_pieces.fault == HttpFault::request_line_too_long;
  bool const waits = in_pieces.progress == HttpProgress::head || in_pieces.progress == HttpProgress::body;
  return whole.fault == HttpFault::bad_syntax && (too_long || waits);
}

void expect_same(std::vector<Message> const& a, std::vector<Message> const& b) {
  expect(a.size() == b.size(), "as many messages, whatever the pieces");
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_told_later(a[i], b[i])) return;
    expect(a[i].progress == b[i].progress && a[i].fault == b[i].fault, "the same outcome");
    expect_same(a[i].head, b[i].head);
    expect(a[i].head.names_host == b[i].head.names_host, "the same judgement on Host");
    expect(a[i].body == b[i].body, "the same body");
  }
}

void check(HttpRequestHead const& head) {
  constexpr std::string_view line_ends("\r\n\0", 3);
  expect(!head.method.empty() && !head.target.empty(), "a request line is whole");
  expect(head.target.find_first_of(" \t\r\n") == std::string::npos, "a target has no white space");
  expect(head.version == 10 || head.version == 11, "a version that we speak");
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    auto const [name, value] = head.fields[i];
    expect(!name.empty() && name.find_first_of(": \t\r\n") == std::string_view::npos, "a name is a token");
    expect(value.find_first_of(line_ends) == std::string_view::npos, "a value is one line");
  }
  expect(head.fields.count("Content-Length") <= 1, "there is one length at most");
  expect(!head.chunked || !head.content_length, "a body has a length or is chunked");
  expect(head.fields.has("Transfer-Encoding") == head.chunked, "there is no coding but chunked");
}

std::string plainly(Message const& message) {
  auto const& head = message.head;
  std::string text =
      fmt::format("{} {} HTTP/{}.{}\r\n", head.method, head.target, head.version / 10, head.version % 10);
  for (std::size_t i = 0; i < head.fields.size(); ++i)
    text += fmt::format("{}:{}\r\n", head.fields[i].name, head.fields[i].value);
  text += "\r\n";
  if (!head.chunked) return text + message.body;
  if (!message.body.empty()) text += fmt::format("{:x}\r\n{}\r\n", message.body.size(), message.body);
  return text + "0\r\n\r\n";
}

std::string accept_of(std::string_view key) {
  std::string const text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::string digest(20, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha1(),
             nullptr);
  return proto::to_base64(digest);
}

struct Silence final : wire::WebSocketSink {
  void on_message(core::MessageKind, core::Buffer) override {}
  void on_partial(core::MessageKind, std::string_view) override {}
  void on_pong(std::string_view) override {}
};

void upgrade(HttpRequestHead const& head) {
  Silence silence;
  core::Buffer out;
  std::string fault;
  auto const codec = wire::WebSocketCodec::accept(head, 1000, silence, out, fault, "reachback.v1");
  if (codec == nullptr) return expect(out.empty() && !fault.empty(), "a refusal is a sentence and no bytes");
  auto const answer = out.view();
  expect(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"),
         "an upgrade is accepted by 101");
  expect(answer.find("Sec-WebSocket-Extensions") == answer.npos, "no extension is chosen");
  auto const accept =
      fmt::format("Sec-WebSocket-Accept: {}\r\n", accept_of(head.fields.get("Sec-WebSocket-Key")));
  expect(answer.find(accept) != answer.npos, "the key is answered");
  expect(codec->state() == wire::WebSocketState::open, "a connection begins open");
}

void run(std::string_view input) {
  auto const messages = read(input, Cut::whole);
  expect_same(messages, read(input, Cut::single_bytes));
  expect_same(messages, read(input, Cut::mixed));
  for (auto const& message : messages) {
    if (has_head(message)) check(message.head);
    if (message.progress != HttpProgress::done) continue;
    if (!message.head.chunked)
      expect(message.body.size() == message.head.content_length.value_or(0),
             "a body is as long as announced");
    if (message.head.websocket_upgrade) upgrade(message.head);
    auto const again = read(plainly(message), Cut::whole);
    expect(!again.empty() && again.front().progress == HttpProgress::done, "what was understood reads back");
    expect_same(again.front().head, message.head);
    expect(again.front().body == message.body, "and so does its body");
  }
}

Registration const registration("http_request", run);

}  // namespace
}  // namespace reachback::fuzz
