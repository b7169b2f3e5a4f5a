#include "net/http_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <exception>

#include "net/tls_error.hpp"
#include "net/vanishing.hpp"

namespace reachback::net {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t permit_step = 64 * 1024;

std::string to_text(Tcp::endpoint const& endpoint) {
  auto const address = endpoint.address();
  if (address.is_v6()) return fmt::format("[{}]:{}", address.to_string(), endpoint.port());
  return fmt::format("{}:{}", address.to_string(), endpoint.port());
}

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
  unsent_ = {};
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
      if (left_unsent()) {
        co_await send_rest();
        begin_head();  // the time for it counts from here
      } else {
        co_await input_.wait();
      }
    }
    Next const next = end_head();
    if (!unsent_.empty()) {
      // The caller did not wait for the last answer. If it is gone, it wants none to this request.
      bool const sent = co_await send_rest();
      if (!sent) break;
    }
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
    send_some();
    // Who has said that nothing more comes hears the same, unless it would pass for the end of an answer.
    if (stream_.secured() && error == asio::error::eof && !began()) error = stream_.end_output();
    return input_ended();
  }
  in_.grow_by(count);
  if (hung_up_ && in_.size() < settings_.read_ahead) watch_input();
}

void HttpSession::input_ended() {
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
