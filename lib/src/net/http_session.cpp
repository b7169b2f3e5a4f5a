#include "net/http_session.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <ctime>
#include <tuple>

#include "async/turn.hpp"
#include "net/http_status.hpp"
#include "net/tls_error.hpp"
#include "net/vanishing.hpp"

namespace reachback::net {
namespace {

constexpr std::size_t read_size = 16 * 1024;
/// What one turn of the loop gives to the kernel, so that others have theirs: about a quarter of a
/// millisecond. To encrypt costs more.
constexpr std::size_t bytes_per_plain_turn = 1024 * 1024;
constexpr std::size_t bytes_per_secured_turn = 256 * 1024;
constexpr std::size_t permit_step = 64 * 1024;
/// A body up to this is copied behind its head: one buffer costs the kernel less than two.
constexpr std::size_t copied_body = 4 * 1024;
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

std::string to_text(Tcp::endpoint const& endpoint) {
  auto const address = endpoint.address();
  if (address.is_v6()) return fmt::format("[{}]:{}", address.to_string(), endpoint.port());
  return fmt::format("{}:{}", address.to_string(), endpoint.port());
}

bool has_no_content(int status) { return status == 204 || status == 304; }

}  // namespace

HttpSession::HttpSession(async::Shard& shard, Stream stream, HttpSettings const& settings,
                         core::Permit permit, std::unique_ptr<HttpHandler> handler)
    : shard_(shard),
      stream_(std::move(stream)),
      settings_(settings),
      permit_(std::move(permit)),
      handler_(std::move(handler)),
      parser_(settings.limits),
      input_(shard.strand()),
      deadline_(shard, [this] { expired(); }),
      write_deadline_(shard, [this] { write_expired(); }) {}

HttpSession::~HttpSession() {
  if (flush_scheduled_) shard_.forget(*this);
}

Task<> HttpSession::run() {
  // A cancelled session must still be joined, and that takes another await.
  co_await asio::this_coro::throw_if_cancelled(false);
  tune(stream_.socket());
  end_when_peer_vanishes(stream_.socket(), settings_.write_timeout);
  error_code ignored;
  remote_address_ = to_text(stream_.socket().remote_endpoint(ignored));
  std::exception_ptr failure;
  try {
    if (stream_.secured()) co_await shake_hands();
    co_await converse();
    if (!taken_) co_await linger();
  } catch (...) {
    failure = std::current_exception();
  }
  deadline_.clear();
  write_deadline_.clear();
  if (!taken_) stream_.close();
  while (watching_) co_await input_.wait();
  if (failure) std::rethrow_exception(failure);
}

Task<> HttpSession::shake_hands() {
  write_bound_ = core::Bound::head_timeout;
  write_deadline_.set_in(settings_.head_timeout);
  auto error = co_await stream_.handshake();
  // The deadline ends it as a stop does.
  if (ended_ && !write_deadline_.is_set()) error = asio::error::timed_out;
  write_deadline_.clear();
  write_bound_ = core::Bound::write_timeout;
  if (!error) {
    peer_certificate_ = stream_.peer_certificate();
    co_return;
  }
  keep_alive_ = false;
  handler_->handshake_failed(*this, error);
  if (!is_plain_http(error)) {
    ended_ = true;
    co_return;
  }
  stream_.unsecure();
  HttpResponse answer =
      handler_->refuse(proto::Problem::bad_request, "this port speaks TLS: https, not http");
  co_await respond(std::move(answer));
}

// To read a head has no coroutine of its own: it would cost each request a twentieth.
Task<> HttpSession::converse() {
  while (keep_alive_ && !ended_) {
    begin_head();
    while (lacks_head()) {
      if (flush_failed()) {
        co_await send_rest();
      } else {
        co_await input_.wait();
      }
    }
    Next const next = end_head();
    // A caller that did not wait for the last answer.
    if (!unsent_.empty()) co_await send_rest();
    if (next == Next::end) break;
    if (next == Next::refuse) {
      keep_alive_ = false;
      HttpResponse refusal = handler_->refuse(refusal_.first, refusal_.second);
      co_await respond(std::move(refusal));
      break;
    }
    begin_request();
    std::exception_ptr mistake;
    try {
      co_await handler_->handle(*this);
    } catch (...) {
      mistake = std::current_exception();
    }
    if (mistake) co_await handler_->failed(*this, std::move(mistake));
    if (taken_) break;
    end_request();
  }
  if (!unsent_.empty()) co_await send_rest();
}

void HttpSession::begin_request() {
  asked_before_ = true;
  keep_alive_ = parser_.head().keep_alive && !draining_;
}

void HttpSession::end_request() {
  hung_up_ = nullptr;
  body_permit_ = {};
  if (parser_.progress() != wire::HttpProgress::done) keep_alive_ = false;
  if (draining_) keep_alive_ = false;
  parser_.reset();
  began_ = chunked_ = continue_sent_ = false;
}

void HttpSession::begin_head() {
  reading_head_ = true;
  head_begun_ = false;
  expired_ = false;
  deadline_.set_in(settings_.idle_timeout);
}

/// Whether a head, or the rest of it, is worth waiting for; if so, `input_` tells of more.
bool HttpSession::lacks_head() {
  feed();
  if (parser_.progress() != wire::HttpProgress::head) return false;
  if (!head_begun_ && (!in_.empty() || parser_.began())) {
    head_begun_ = true;
    deadline_.set_in(settings_.head_timeout);
  }
  return wants_input();
}

HttpSession::Next HttpSession::end_head() {
  deadline_.clear();
  reading_head_ = false;
  return judge_head();
}

HttpSession::Next HttpSession::judge_head() {
  auto const& head = parser_.head();
  switch (parser_.progress()) {
    case wire::HttpProgress::body:
    case wire::HttpProgress::done:
      if (!head.names_host) {
        return refuse(proto::Problem::bad_request, "a request has exactly one Host field, HOST or HOST:PORT");
      }
      if (head.expects_other) {
        return refuse(proto::Problem::expectation_failed, "nothing but 100-continue can be expected");
      }
      return Next::request;
    case wire::HttpProgress::head:
      return judge_silence();
    case wire::HttpProgress::failed:
      break;
  }
  auto const& limits = settings_.limits;
  switch (parser_.fault()) {
    case wire::HttpFault::request_line_too_long:
      count(core::Bound::head_limit);
      return refuse(proto::Problem::uri_too_long,
                    fmt::format("the first line of a request has to fit into {} bytes", limits.head));
    case wire::HttpFault::head_too_large:
      count(core::Bound::head_limit);
      return refuse(proto::Problem::head_too_large,
                    fmt::format("the head of a request may have {} bytes", limits.head));
    case wire::HttpFault::body_too_large:
      count(core::Bound::request_limit);
      return refuse(proto::Problem::too_large, fmt::format("a body may have {} bytes", limits.body));
    default:
      return refuse(proto::Problem::bad_request, "this is no HTTP/1.1 request");
  }
}

HttpSession::Next HttpSession::judge_silence() {
  if (!expired_) return Next::end;
  count(head_begun_ ? core::Bound::head_timeout : core::Bound::idle_timeout);
  if (!head_begun_) return Next::end;
  return refuse(proto::Problem::too_slow, "the head of the request did not come in time");
}

HttpSession::Next HttpSession::refuse(proto::Problem problem, std::string detail) {
  refusal_ = {problem, std::move(detail)};
  return Next::refuse;
}

void HttpSession::feed() {
  auto const before = parser_.progress();
  while (!in_.empty() && parser_.progress() == before) {
    std::size_t const taken = parser_.feed(in_.view());
    in_.consume(taken);
    if (taken == 0) break;
  }
  if (in_.empty()) in_.clear_and_shrink(read_size);
}

std::optional<core::Buffer> HttpSession::body_at_hand() {
  feed();
  if (parser_.progress() != wire::HttpProgress::done) return std::nullopt;
  return parser_.take_body();
}

Task<boost::system::result<core::Buffer, BodyFault>> HttpSession::read_body(std::size_t limit,
                                                                            BodyGrowth const* grew) {
  using Outcome = boost::system::result<core::Buffer, BodyFault>;
  if (parser_.head().expects_continue && parser_.progress() == wire::HttpProgress::body && in_.empty() &&
      !continue_sent_) {
    continue_sent_ = true;
    Pieces const pieces{"HTTP/1.1 100 Continue\r\n\r\n"};
    bool const sent = co_await send(pieces);
    if (!sent) co_return Outcome(BodyFault{proto::Problem::bad_request, "the caller is gone"});
  }
  expired_ = false;
  deadline_.set_in(settings_.body_timeout);
  feed();
  while (parser_.progress() == wire::HttpProgress::body && parser_.body().size() <= limit) {
    if (grew != nullptr) (*grew)(parser_.body());
    if (!hold_body_budget()) {
      deadline_.clear();
      count(core::Bound::body_budget);
      co_return Outcome(BodyFault{proto::Problem::overloaded, "too many bodies are being received"});
    }
    if (!co_await more_input()) break;
    deadline_.set_in(settings_.body_timeout);
    feed();
  }
  deadline_.clear();
  if (parser_.body().size() > limit) {
    co_return Outcome(
        BodyFault{proto::Problem::too_large, fmt::format("a body may have {} bytes here", limit)});
  }
  if (parser_.progress() == wire::HttpProgress::done) co_return Outcome(parser_.take_body());
  if (parser_.fault() == wire::HttpFault::body_too_large) {
    count(core::Bound::request_limit);
    co_return Outcome(
        BodyFault{proto::Problem::too_large, fmt::format("a body may have {} bytes", settings_.limits.body)});
  }
  if (expired_) {
    count(core::Bound::body_timeout);
    co_return Outcome(BodyFault{proto::Problem::too_slow, "the body did not come on"});
  }
  co_return Outcome(BodyFault{proto::Problem::bad_request, "the body is malformed or was cut off"});
}

bool HttpSession::hold_body_budget() {
  if (settings_.body_budget == nullptr) return true;
  std::size_t const wanted = (parser_.body().size() + permit_step - 1) / permit_step * permit_step;
  if (wanted <= body_permit_.amount()) return true;
  auto permit = settings_.body_budget->acquire(wanted - body_permit_.amount());
  if (permit) body_permit_.add(std::move(*permit));
  return permit.has_value();
}

void HttpSession::watch_input() {
  if (watching_ || ended_) return;
  watching_ = true;
  auto const readable = [this](error_code const& error) {
    watching_ = false;
    if (!error) receive();
    // On a socket that cannot be waited for, the next wait would fail at once, and so on.
    if (error && error != asio::error::operation_aborted) input_ended();
    input_.notify_at_once();
  };
  if (stream_.holds_input()) [[unlikely]] {
    asio::post(shard_.strand(), [readable] { readable(error_code()); });
  } else {
    stream_.wait_readable(readable);
  }
}

void HttpSession::receive() {
  if (ended_) return;
  std::size_t const room = parser_.progress() == wire::HttpProgress::body ? body_read_size : read_size;
  error_code error;
  std::size_t const count = stream_.read_some({in_.prepare(room), room}, error);
  if (error && error != asio::error::would_block) {
    // Who has said that nothing more comes hears the same, unless it would pass for the end of an answer.
    if (stream_.secured() && error == asio::error::eof && !began_) error = stream_.end_output();
    return input_ended();
  }
  in_.grow_by(count);
  if (hung_up_ && in_.size() < settings_.read_ahead) watch_input();
}

void HttpSession::input_ended() {
  if (flush_scheduled_) flush();
  ended_ = true;
  if (hung_up_) std::exchange(hung_up_, nullptr)();
}

Task<bool> HttpSession::more_input() {
  std::size_t const before = in_.size();
  while (in_.size() == before && wants_input()) co_await input_.wait();
  co_return in_.size() > before;
}

/// Whether it is worth while to wait for input; if so, `input_` tells of it.
bool HttpSession::wants_input() {
  if (ended_ || expired_ || ends_by_drain()) return false;
  watch_input();
  return true;
}

// Only between two requests. Who has just connected is about to ask, and what stands in the socket has been
// asked: a proxy that loses a request with its connection must not send it again.
bool HttpSession::ends_by_drain() {
  if (!draining_ || !reading_head_ || !in_.empty() || !asked_before_) return false;
  if (stream_.holds_input()) return false;
  error_code error;
  return stream_.socket().available(error) == 0 || error;
}

void HttpSession::expired() {
  expired_ = true;
  input_.notify();
}

void HttpSession::write_expired() {
  count(write_bound_);
  stop();
}

void HttpSession::count(core::Bound bound) {
  if (settings_.refusals != nullptr) settings_.refusals->count(bound);
}

void HttpSession::on_hang_up(std::function<void()> hung_up) {
  if (ended_) return hung_up();
  hung_up_ = std::move(hung_up);
  if (in_.size() < settings_.read_ahead) watch_input();
}

void HttpSession::drain() {
  draining_ = true;
  if (reading_head_ && in_.empty()) input_.notify();
}

void HttpSession::stop() {
  keep_alive_ = false;
  if (!ended_) input_ended();
  error_code ignored;
  stream_.socket().cancel(ignored);
  input_.notify();
}

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

bool HttpSession::respond_soon(HttpResponse const& response, std::string_view body) {
  if (body.size() > copied_body) return false;
  std::ignore = write_answer(response, body);
  unsent_ = head_text_.text();
  if (!std::exchange(flush_scheduled_, true)) shard_.flush_later(*this);
  return true;
}

std::string_view HttpSession::write_answer(HttpResponse const& response, std::string_view body) {
  write_head(response);
  bool const body_allowed = !has_no_content(response.status);
  bool const body_follows = body_allowed && parser_.head().method != "HEAD";
  if (body_allowed) head_text_.add("Content-Length", std::uint64_t{body.size()});
  head_text_.add("\r\n");
  if (!body_follows) body = {};
  if (body.size() <= copied_body) head_text_.add(std::exchange(body, {}));
  return body;
}

// Once for many sessions: the kernel's and our own code then stay in the processor's cache for longer.
void HttpSession::flush() {
  flush_scheduled_ = false;
  if (ended_ || unsent_.empty()) return;
  error_code error;
  unsent_.remove_prefix(stream_.write_some(unsent_, error));
  if (!unsent_.empty()) input_.notify();
}

Task<bool> HttpSession::send_rest() { return send({std::exchange(unsent_, {})}); }

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

Task<bool> HttpSession::send(Pieces pieces) {
  std::size_t const bytes_per_turn = stream_.secured() ? bytes_per_secured_turn : bytes_per_plain_turn;
  std::size_t sent_in_turn = 0;
  while (!ended_) {
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
      co_await async::yield(shard_.strand());
    }
  }
  write_deadline_.clear();
  keep_alive_ = false;
  if (!ended_) input_ended();
  co_return false;
}

// What the caller still sends would turn our close into a reset, and the reset could overtake the answer.
Task<> HttpSession::linger() {
  if (ended_) co_return;
  co_await say_end();
  hung_up_ = nullptr;
  expired_ = false;
  deadline_.set_in(settings_.linger);
  // No `do ... while (co_await ...)` behind another co_await: g++ 12 resumes it nowhere.
  for (bool more = true; more;) {
    in_.clear_and_shrink(read_size);
    more = co_await more_input();
  }
}

Task<> HttpSession::say_end() {
  write_bound_ = core::Bound::close_timeout;
  write_deadline_.set_in(settings_.linger);
  while (stream_.end_output() == asio::error::would_block) {
    auto const [waited] = co_await stream_.wait_writable(async::use_task);
    if (waited) break;
  }
  write_deadline_.clear();
}

Task<HttpSession::Taken> HttpSession::take() {
  taken_ = true;
  error_code ignored;
  stream_.socket().cancel(ignored);
  while (watching_) co_await input_.wait();
  keep_when_peer_vanishes(stream_.socket());  // a WebSocket has its pings
  co_return Taken{LooseStream(std::move(stream_)), std::move(in_), std::move(permit_), remote_address_};
}

}  // namespace reachback::net
