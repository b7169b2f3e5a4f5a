#include "net/http_session.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <ctime>
#include <exception>

#include "async/turn.hpp"
#include "net/http_status.hpp"

namespace reachback::net {
namespace {

constexpr std::size_t read_size = 16 * 1024;
/// What one turn of the loop gives to the kernel, so that others have theirs.
constexpr std::size_t bytes_per_turn = 256 * 1024;
constexpr std::size_t permit_step = 64 * 1024;

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

HttpSession::HttpSession(async::Shard& shard, Socket socket, HttpSettings const& settings,
                         core::Permit permit, std::unique_ptr<HttpHandler> handler)
    : shard_(shard),
      socket_(std::move(socket)),
      settings_(settings),
      permit_(std::move(permit)),
      handler_(std::move(handler)),
      parser_(settings.limits),
      input_(shard.strand()),
      deadline_(shard, [this] { expired(); }),
      write_deadline_(shard, [this] { stop(); }) {}

HttpSession::~HttpSession() = default;

Task<> HttpSession::run() {
  // A cancelled session must still be joined, and that takes another await.
  co_await asio::this_coro::throw_if_cancelled(false);
  tune(socket_);
  error_code ignored;
  remote_address_ = to_text(socket_.remote_endpoint(ignored));
  std::exception_ptr failure;
  try {
    co_await converse();
    if (!taken_) co_await linger();
  } catch (...) {
    failure = std::current_exception();
  }
  deadline_.clear();
  write_deadline_.clear();
  if (!taken_) socket_.close(ignored);
  while (watching_) co_await input_.wait();
  if (failure) std::rethrow_exception(failure);
}

Task<> HttpSession::converse() {
  while (keep_alive_ && !ended_) {
    Next const next = co_await read_head();
    if (next == Next::end) break;
    if (next == Next::refuse) {
      keep_alive_ = false;
      HttpResponse refusal = handler_->refuse(refusal_.first, refusal_.second);
      co_await respond(std::move(refusal));
      break;
    }
    co_await serve();
    if (taken_) break;
  }
}

Task<> HttpSession::serve() {
  keep_alive_ = parser_.head().keep_alive && !draining_;
  co_await handler_->handle(*this);
  if (taken_) co_return;
  hung_up_ = nullptr;
  body_permit_ = {};
  if (parser_.progress() != wire::HttpProgress::done) keep_alive_ = false;
  if (draining_) keep_alive_ = false;
  parser_.reset();
  began_ = chunked_ = continue_sent_ = false;
}

Task<HttpSession::Next> HttpSession::read_head() {
  reading_head_ = true;
  expired_ = false;
  bool begun = !in_.empty();
  deadline_.set_in(begun || parser_.progress() != wire::HttpProgress::head ? settings_.head_timeout
                                                                           : settings_.idle_timeout);
  feed();
  while (parser_.progress() == wire::HttpProgress::head) {
    if (!co_await more_input()) break;
    if (!begun) deadline_.set_in(settings_.head_timeout);
    begun = true;
    feed();
  }
  deadline_.clear();
  reading_head_ = false;
  switch (parser_.progress()) {
    case wire::HttpProgress::body:
    case wire::HttpProgress::done:
      // RFC 9112, 3.2: exactly one, but HTTP/1.0 knows none.
      if (hosts() == 1 || (hosts() == 0 && parser_.head().version == 10)) co_return Next::request;
      refusal_ = {proto::Problem::bad_request, "a request has exactly one Host field"};
      co_return Next::refuse;
    case wire::HttpProgress::head:
      if (!expired_ || !begun) co_return Next::end;
      refusal_ = {proto::Problem::too_slow, "the head of the request did not come in time"};
      co_return Next::refuse;
    case wire::HttpProgress::failed:
      break;
  }
  switch (parser_.fault()) {
    case wire::HttpFault::head_too_large:
      refusal_ = {proto::Problem::head_too_large,
                  fmt::format("the head of a request may have {} bytes", settings_.limits.head)};
      break;
    case wire::HttpFault::body_too_large:
      refusal_ = {proto::Problem::too_large, fmt::format("a body may have {} bytes", settings_.limits.body)};
      break;
    default:
      refusal_ = {proto::Problem::bad_request, "this is no HTTP/1.1 request"};
  }
  co_return Next::refuse;
}

std::size_t HttpSession::hosts() const { return parser_.head().fields.count("Host"); }

void HttpSession::feed() {
  auto const before = parser_.progress();
  while (!in_.empty() && parser_.progress() == before) {
    std::size_t const taken = parser_.feed(in_.view());
    in_.consume(taken);
    if (taken == 0) break;
  }
  if (in_.empty()) in_.clear_and_shrink(read_size);
}

Task<boost::system::result<core::Buffer, BodyFault>> HttpSession::read_body(std::size_t limit,
                                                                            BodyGrowth const* grew) {
  using Outcome = boost::system::result<core::Buffer, BodyFault>;
  if (parser_.head().expects_continue && parser_.head().version == 11 &&
      parser_.progress() == wire::HttpProgress::body && in_.empty() && !continue_sent_) {
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
    co_return Outcome(
        BodyFault{proto::Problem::too_large, fmt::format("a body may have {} bytes", settings_.limits.body)});
  }
  if (expired_) co_return Outcome(BodyFault{proto::Problem::too_slow, "the body did not come on"});
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
  socket_.async_wait(Socket::wait_read, [this](error_code const& error) {
    watching_ = false;
    if (!error) receive();
    // On a socket that cannot be waited for, the next wait would fail at once, and so on.
    if (error && error != asio::error::operation_aborted) input_ended();
    input_.notify();
  });
}

void HttpSession::receive() {
  if (ended_) return;
  std::size_t const room = parser_.progress() == wire::HttpProgress::body ? body_read_size : read_size;
  error_code error;
  std::size_t const count = socket_.read_some(asio::buffer(in_.prepare(room), room), error);
  if (error == asio::error::would_block) return;
  if (error) return input_ended();
  in_.grow_by(count);
  if (hung_up_ && in_.size() < settings_.read_ahead) watch_input();
}

void HttpSession::input_ended() {
  ended_ = true;
  if (hung_up_) std::exchange(hung_up_, nullptr)();
}

Task<bool> HttpSession::more_input() {
  std::size_t const before = in_.size();
  while (!ended_ && !expired_ && in_.size() == before) {
    if (draining_ && reading_head_ && in_.empty()) break;
    watch_input();
    co_await input_.wait();
  }
  co_return in_.size() > before;
}

void HttpSession::expired() {
  expired_ = true;
  input_.notify();
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
  socket_.cancel(ignored);
  input_.notify();
}

std::string HttpSession::head_of(HttpResponse const& response, std::string_view framing) {
  if (parser_.progress() != wire::HttpProgress::done) keep_alive_ = false;
  std::string head;
  head.reserve(512);
  auto const add = [&head](auto... pieces) { (head.append(pieces), ...); };
  add("HTTP/1.1 ", std::to_string(response.status), " ", reason_of(response.status), "\r\n");
  if (!response.content_type.empty()) add("Content-Type: ", std::string_view(response.content_type), "\r\n");
  head += framing;
  for (auto const& [name, value] : response.fields) {
    add(std::string_view(name), ": ", std::string_view(value), "\r\n");
  }
  add("Date: ", http_date(), "\r\n");
  if (!keep_alive_ || draining_) {
    head += "Connection: close\r\n";
  } else if (parser_.head().version == 10) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  return head;
}

Task<bool> HttpSession::respond(HttpResponse response) {
  std::string const body = std::move(response.body);
  co_return co_await respond(std::move(response), body);
}

Task<bool> HttpSession::respond(HttpResponse response, std::string_view body) {
  began_ = true;
  bool const body_allowed = !has_no_content(response.status);
  std::string const head =
      head_of(response, body_allowed ? fmt::format("Content-Length: {}\r\n", body.size()) : std::string());
  bool const body_follows = body_allowed && parser_.head().method != "HEAD";
  Pieces const pieces{head, body_follows ? body : std::string_view()};
  co_return co_await send(pieces);
}

Task<bool> HttpSession::begin(HttpResponse response) {
  began_ = true;
  chunked_ = parser_.head().version == 11;
  // HTTP/1.0 has no chunks: the end of the stream is the end of the body.
  if (!chunked_) keep_alive_ = false;
  std::string const head = head_of(response, chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
  Pieces const pieces{head};
  co_return co_await send(pieces);
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
  if (began_ && !chunked_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  stop();
}

Task<bool> HttpSession::send(Pieces pieces) {
  std::size_t sent_in_turn = 0;
  while (!ended_) {
    std::array<asio::const_buffer, 4> buffers;
    std::size_t offered = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      auto const piece = pieces[i].substr(0, bytes_per_turn - offered);
      buffers[i] = asio::buffer(piece.data(), piece.size());
      offered += piece.size();
    }
    if (offered == 0) {
      write_deadline_.clear();
      co_return true;
    }
    error_code error;
    std::size_t count = socket_.write_some(buffers, error);
    if (error == asio::error::would_block) {
      if (!write_deadline_.is_set()) write_deadline_.set_in(settings_.write_timeout);
      auto const [waited] = co_await socket_.async_wait(Socket::wait_write, async::use_task);
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
  error_code ignored;
  if (ended_) co_return;
  socket_.shutdown(Socket::shutdown_send, ignored);
  hung_up_ = nullptr;
  expired_ = false;
  deadline_.set_in(settings_.linger);
  do {
    in_.clear_and_shrink(read_size);
  } while (co_await more_input());
}

Task<HttpSession::Taken> HttpSession::take() {
  taken_ = true;
  error_code ignored;
  socket_.cancel(ignored);
  while (watching_) co_await input_.wait();
  co_return Taken{LooseSocket(std::move(socket_)), std::move(in_), std::move(permit_), remote_address_};
}

}  // namespace reachback::net
