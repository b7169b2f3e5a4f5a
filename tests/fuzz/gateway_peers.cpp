#include "gateway_peers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/subprotocol.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

constexpr wire::HttpLimits no_limits{.head = 1 << 20, .body = 1 << 26};
constexpr std::size_t longest_message = 1 << 26;

std::optional<proto::CallId> call_in(std::string_view text) {
  if (proto::read_control_message(text)) return std::nullopt;
  proto::ObjectScanner scanner(text);
  std::optional<proto::CallId> id;
  while (auto const member = scanner.next()) {
    auto const number = member->value.integer();
    if (proto::key_equals(member->key, "callId") && number)
      id = proto::CallId(static_cast<std::uint64_t>(*number));
  }
  return id;
}

}  // namespace

Peer::Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int const failed = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (failed != 0) reset();
}

Peer::~Peer() { reset(); }

void Peer::request(std::string_view bytes) {
  ++unanswered_;
  send(bytes);
}

void Peer::upgrade(std::string_view bytes) {
  if (upgrading_ || unanswered_ != 0)
    is_lawful_ = false;  // frames would be read as the answer to what came before
  upgrading_ = true;
  request(bytes);
}

void Peer::send_raw(std::string_view bytes) {
  if (codec_ == nullptr) is_lawful_ = false;
  send(bytes);
}

void Peer::send_text(std::string_view text) {
  if (codec_ == nullptr) return;
  codec_->write({.body = text});
  std::string const bytes(out_.view());
  out_.clear();
  send(bytes);
}

void Peer::send(std::string_view bytes) {
  if (!is_open() || bytes.empty()) return;
  // What does not fit is lost: the gateway does not read on.
  if (::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size()))
    is_lawful_ = false;
}

void Peer::shut_down() {
  if (is_open()) ::shutdown(socket_, SHUT_WR);
}

void Peer::reset() {
  if (!is_open()) return;
  linger const at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(socket_, -1));
}

bool Peer::receive() {
  if (!is_open()) return false;
  std::array<char, 16 * 1024> room;
  auto const count = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) {
    reset();
    return true;
  }
  if (is_lawful_) take({room.data(), static_cast<std::size_t>(count)});
  return true;
}

void Peer::take(std::string_view bytes) {
  in_ += bytes;
  if (codec_ == nullptr) take_http();
  if (codec_ == nullptr) return;
  auto const frames = std::exchange(in_, {});
  expect(codec_->feed(frames) != wire::WebSocketState::failed, "the gateway's frames are right");
  out_.clear();  // pongs and the answer to a close are the script's business
}

void Peer::take_http() {
  for (std::size_t taken = 1; taken != 0 && !in_.empty() && codec_ == nullptr;) {
    if (!parser_) parser_.emplace(no_limits);
    taken = parser_->feed(in_);
    in_.erase(0, taken);
    expect(parser_->progress() != wire::HttpProgress::failed, "the gateway's answers are HTTP");
    if (parser_->progress() == wire::HttpProgress::done) answer_done();
  }
}

void Peer::answer_done() {
  expect(unanswered_ != 0 || !parser_->head().keep_alive, "there is one answer to each request");
  if (unanswered_ != 0) --unanswered_;
  bool const upgraded = parser_->head().status == 101;
  expect(!upgraded || upgrading_, "only an upgrade is answered by 101");
  parser_.reset();
  if (upgraded) codec_ = wire::WebSocketCodec::client(longest_message, *this, out_);
}

void Peer::on_message(core::MessageKind, core::Buffer message) {
  if (auto const id = call_in(message.view())) calls_.push_back(*id);
}

}  // namespace reachback::fuzz
