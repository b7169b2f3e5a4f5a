#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <ctime>
#include <tuple>

#include "net/http_session.hpp"
#include "net/http_status.hpp"

namespace reachback::net {
namespace {

/// What one turn of the loop gives to the kernel, so that others have theirs: a fifth of a millisecond or
/// less. Where there are none, the smaller turns would only cost half as much again per byte.
constexpr std::size_t bytes_per_turn_alone = 1024 * 1024;
constexpr std::size_t bytes_per_turn_in_company = 256 * 1024;
/// To encrypt costs more.
constexpr std::size_t bytes_per_secured_turn = 128 * 1024;
constexpr std::size_t usual_head = 512;

/// RFC 9110, 6.6.1; made once per second.
std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  auto const now = std::time(nullptr);
  if (now != made_at) {
    made_at = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(now));
  }
  return text;
}

bool has_no_content(int status) { return status == 204 || status == 304; }

}  // namespace

void HttpSession::write_head(HttpResponse const& response) {
  began_ = true;
  if (parser_.progress() != wire::HttpProgress::done) keep_alive_ = false;
  FieldLines& head = head_text_;
  head.clear();
  head.reserve(usual_head);
  if (response.status == 200) {
    head.add("HTTP/1.1 200 OK\r\n");
  } else {
    head.add(fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status)));
  }
  if (!response.content_type.empty()) head.add("Content-Type", response.content_type);
  head.add(response.fields.text());
  head.add("Date", http_date());
  if (!keep_alive_ || draining_) {
    head.add("Connection", "close");
  } else if (parser_.head().version == 10) {
    head.add("Connection", "keep-alive");
  }
}

Task<bool> HttpSession::respond(HttpResponse response) {
  co_return co_await respond(response, response.body);
}

Task<bool> HttpSession::respond(HttpResponse const& response, std::string_view body) {
  std::string_view const rest = write_answer(response, body);
  return send({head_text_.text(), rest});
}

void HttpSession::respond_soon(HttpResponse const& response, std::string_view body) {
  assert(unsent_.empty() && body.size() <= most_soon);
  std::ignore = write_answer(response, body);
  unsent_ = head_text_.text();
  if (!std::exchange(flush_scheduled_, true)) shard_.flush_later(*this);
}

std::string_view HttpSession::write_answer(HttpResponse const& response, std::string_view body) {
  write_head(response);
  bool const body_allowed = !has_no_content(response.status);
  bool const body_follows = body_allowed && parser_.head().method != "HEAD";
  if (body_allowed) head_text_.add("Content-Length", std::uint64_t{body.size()});
  head_text_.add("\r\n");
  if (!body_follows) body = {};
  // One buffer costs the kernel less than two.
  if (body.size() <= most_soon) head_text_.add(std::exchange(body, {}));
  return body;
}

// Once for many sessions: the kernel's and our own code then stay in the processor's cache for longer.
void HttpSession::flush() {
  flush_scheduled_ = false;
  send_some();
  if (!unsent_.empty()) input_.notify();
}

void HttpSession::send_some() {
  if (ended_ || unsent_.empty()) return;
  error_code error;
  unsent_.remove_prefix(stream_.write_some(unsent_, error));
}

Task<bool> HttpSession::send_rest() {
  began_ = true;
  Pieces const rest{std::exchange(unsent_, {})};
  bool const sent = co_await send(rest);
  began_ = false;
  co_return sent;
}

Task<bool> HttpSession::begin(HttpResponse response) {
  chunked_ = parser_.head().version == 11;
  // HTTP/1.0 has no chunks: the end of the stream is the end of the body.
  if (!chunked_) keep_alive_ = false;
  write_head(response);
  head_text_.add(chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
  return send({head_text_.text()});
}

Task<bool> HttpSession::write(std::string_view piece, std::string_view tail) {
  std::size_t const size = piece.size() + tail.size();
  if (size == 0 || parser_.head().method == "HEAD") co_return !ended_;
  std::string const size_line = chunked_ ? fmt::format("{:x}\r\n", size) : std::string();
  Pieces const pieces{size_line, piece, tail, chunked_ ? std::string_view("\r\n") : std::string_view()};
  co_return co_await send(pieces);
}

Task<bool> HttpSession::finish() {
  if (!chunked_ || parser_.head().method == "HEAD") co_return !ended_;
  Pieces const pieces{"0\r\n\r\n"};
  co_return co_await send(pieces);
}

void HttpSession::abort() {
  error_code ignored;
  // Without chunks the end of the stream is the end of the body: only a reset shows that something is
  // missing.
  if (began_ && !chunked_) stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  stop();
}

std::size_t HttpSession::turn_size() const {
  if (stream_.secured()) return bytes_per_secured_turn;
  return shard_.has_company() ? bytes_per_turn_in_company : bytes_per_turn_alone;
}

Task<bool> HttpSession::send(Pieces pieces) {
  std::size_t sent_in_turn = 0;
  while (!ended_) {
    std::size_t const bytes_per_turn = turn_size();
    Pieces now;
    std::size_t offered = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      now[i] = pieces[i].substr(0, bytes_per_turn - offered);
      offered += now[i].size();
    }
    if (offered == 0) {
      write_deadline_.clear();
      co_return true;
    }
    error_code error;
    std::size_t count = stream_.write_some(now, error);
    if (error == asio::error::would_block) {
      if (!write_deadline_.is_set()) write_deadline_.set_in(settings_.write_timeout);
      auto const [waited] = co_await stream_.wait_writable(async::use_task);
      if (waited) break;
      continue;
    }
    if (error) break;
    if (write_deadline_.is_set()) write_deadline_.set_in(settings_.write_timeout);
    sent_in_turn += count;
    for (auto& piece : pieces) {
      std::size_t const part = std::min(piece.size(), count);
      piece.remove_prefix(part);
      count -= part;
    }
    bool const is_done = std::ranges::all_of(pieces, &std::string_view::empty);
    if (sent_in_turn >= bytes_per_turn && !is_done) {
      sent_in_turn = 0;
      async::Backlog const backlog(shard_);
      co_await shard_.yield();
    }
  }
  write_deadline_.clear();
  keep_alive_ = false;
  if (!ended_) input_ended();
  co_return false;
}

}  // namespace reachback::net
