#include "net/websocket_connection.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "async/turn.hpp"

namespace reachback::net {
namespace {

constexpr std::size_t bytes_per_turn = 256 * 1024;
/// Smaller frames are copied together when there are several: a system call for each costs more.
constexpr std::size_t sent_alone_from = 4 * 1024;
/// Of a big message at once: as much as fits into a processor's own cache beside what goes out.
constexpr std::size_t received_in_place = 128 * 1024;
/// Turns that each receive of a big message leaves to what the shard works off. Decoding and hashing a part
/// takes about eight turns for each of its receives, to write it a quarter of one: so both keep up.
constexpr int turns_given = 10;
constexpr std::size_t log_high_water = 256;

}  // namespace

WebSocketConnection::WebSocketConnection(async::Shard& shard, Stream stream, proto::ConnectionId id,
                                         ConnectionSettings const& settings, ConnectionSink& sink)
    : shard_(shard),
      stream_(std::move(stream)),
      id_(id),
      settings_(settings),
      sink_(sink),
      outbox_(settings.outbox_limit),
      tick_(shard, [this] { tick(); }),
      stalled_(shard, [this] { stalled(); }),
      close_deadline_(shard, [this] { close_expired(); }),
      joined_(shard.strand()) {}

WebSocketConnection::~WebSocketConnection() {
  if (flush_scheduled_) shard_.forget(*this);
}

bool WebSocketConnection::accept(wire::HttpRequestHead const& request, std::size_t message_limit,
                                 std::string& fault, std::string_view subprotocol) {
  codec_ = wire::WebSocketCodec::accept(request, message_limit, *this, out_, fault, subprotocol);
  return codec_ != nullptr;
}

void WebSocketConnection::open_as_client(std::size_t message_limit) {
  codec_ = wire::WebSocketCodec::client(message_limit, *this, out_);
}

Task<> WebSocketConnection::run(core::Buffer first) {
  // A cancelled connection must still be joined, and that takes another await.
  co_await asio::this_coro::throw_if_cancelled(false);
  tune(stream_.socket());
  last_byte_ = shard_.now();
  set_tick();
  schedule_flush();
  std::exception_ptr failure;
  try {
    if (!first.empty()) feed(first.view());
    first.clear_and_shrink(0);
    while (state_ != State::over) {
      if (!stream_.holds_input()) {
        auto const [error] = co_await stream_.wait_readable(async::use_task);
        if (error) break;
      }
      receive();
      for (int turn = 0; gives_way(turn); ++turn) co_await shard_.yield();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  state_ = State::over;
  leave();
  tick_.clear();
  stalled_.clear();
  close_deadline_.clear();
  // The last word about what the peer has received, for calls whose end is still to be told.
  acknowledge();
  stream_.close();
  while (write_waits_) co_await joined_.wait();
  if (failure) std::rethrow_exception(failure);
}

bool WebSocketConnection::gives_way(int turn) const {
  if (state_ == State::over) return false;
  // There is no wait before the next receive in which others have their turn.
  if (stream_.holds_input() && turn == 0) return true;
  // Else more of an answer could pile up here than its caller's budget allows, while the caller waits for us.
  return turn < turns_given && shard_.has_backlog() && codec_->partial_bytes() != 0;
}

void WebSocketConnection::receive() {
  auto room = codec_->receive_room(received_in_place);
  if (room.empty()) room = shard_.receive_buffer();
  error_code error;
  std::size_t const count = stream_.read_some(room, error);
  if (error == asio::error::would_block) return;
  if (error) {
    state_ = State::over;
    leave();
    return;
  }
  if (state_ == State::open || state_ == State::closing) feed({room.data(), count});
}

void WebSocketConnection::feed(std::string_view bytes) {
  traffic_.bytes_in += bytes.size();
  last_byte_ = shard_.now();
  if (codec_->feed(bytes) != wire::WebSocketState::open) {
    finish();
  } else {
    hold_receive_budget();
  }
  if (stream_end() - log_.given() > control_backlog + 2 * fragment_size) abort();
  if (!out_.empty() || !outbox_.empty() || state_ != State::open) schedule_flush();
}

void WebSocketConnection::hold_receive_budget() {
  std::size_t const held = codec_->partial_bytes();
  if (settings_.receive_budget == nullptr || held == receive_permit_.amount()) return;
  receive_permit_.shrink_to(held);
  if (held == receive_permit_.amount()) return;
  if (auto more = settings_.receive_budget->acquire(held - receive_permit_.amount())) {
    receive_permit_.add(std::move(*more));
  } else {
    refuse_more();
  }
}

// The rest of the message would go on taking memory that there is not: what the peer still sends is thrown
// away.
void WebSocketConnection::refuse_more() {
  if (state_ == State::over) return;
  count(core::Bound::receive_budget);
  close(proto::CloseCode::try_again_later, "too many messages are being received");
  if (!std::exchange(close_written_, true)) codec_->close(close_code_, close_reason_);
  state_ = State::finishing;
}

void WebSocketConnection::on_message(core::MessageKind kind, core::Buffer message) {
  ++traffic_.messages_in;
  if (!left_) sink_.on_message(*this, kind, std::move(message));
}

void WebSocketConnection::on_partial(core::MessageKind kind, std::string_view so_far) {
  if (!left_) sink_.on_partial(*this, kind, so_far);
}

void WebSocketConnection::on_pong(std::string_view payload) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(payload.data(), payload.data() + payload.size(), number);
  if (error != std::errc{} || number == 0 || number != ping_number_) return;
  traffic_.round_trip = shard_.now() - ping_sent_;
  // The peer has read all that stood before that ping.
  log_.acknowledged(ping_offset_);
}

void WebSocketConnection::leave() {
  if (left_) return;
  left_ = true;
  sink_.on_leave(*this);
}

// The peer has closed, or broke a rule and was told so: nothing that it sends counts any more.
void WebSocketConnection::finish() {
  if (state_ == State::over) return;
  state_ = State::finishing;
  close_code_ = codec_->close_code().value_or(1006);
  bool const too_big = close_code_ == static_cast<std::uint16_t>(proto::CloseCode::too_big);
  if (too_big && codec_->state() == wire::WebSocketState::failed) count(core::Bound::message_limit);
  leave();
  if (!close_deadline_.is_set()) close_deadline_.set_in(settings_.close_timeout);
}

void WebSocketConnection::close(proto::CloseCode code, std::string_view reason) {
  if (state_ != State::open) return;
  state_ = State::closing;
  close_code_ = static_cast<std::uint16_t>(code);
  close_reason_ = reason;
  close_deadline_.set_in(settings_.close_timeout);
  leave();
  schedule_flush();
}

void WebSocketConnection::abort() {
  if (state_ == State::over) return;
  state_ = State::over;
  leave();
  error_code ignored;
  stream_.socket().cancel(ignored);
}

void WebSocketConnection::tick() {
  auto const now = shard_.now();
  if (now - last_byte_ >= settings_.silence_timeout) {
    count(core::Bound::silence_timeout);
    return abort();
  }
  if (state_ != State::open) return;
  ping_sent_ = now;
  codec_->ping(std::to_string(++ping_number_));
  ping_offset_ = stream_end();
  schedule_flush();
  set_tick();
}

void WebSocketConnection::set_tick() {
  tick_.set(std::min(shard_.now() + settings_.ping_interval, last_byte_ + settings_.silence_timeout));
}

void WebSocketConnection::close_expired() {
  count(core::Bound::close_timeout);
  abort();
}

void WebSocketConnection::count(core::Bound bound) {
  if (settings_.refusals != nullptr) settings_.refusals->count(bound);
}

void WebSocketConnection::stalled() {
  count(core::Bound::write_timeout);
  if (state_ == State::open) {
    close(proto::CloseCode::slow_consumer, "nothing was read for too long");
  } else {
    abort();
  }
}

core::MessageNumber WebSocketConnection::send(core::OutMessage&& message) {
  if (!fits(message.size())) return core::MessageNumber::none;
  return send_beyond_limit(std::move(message));
}

core::MessageNumber WebSocketConnection::send_beyond_limit(core::OutMessage&& message) {
  if (!open()) return core::MessageNumber::none;
  ++traffic_.messages_out;
  auto const number = outbox_.push(std::move(message));
  schedule_flush();
  return number;
}

bool WebSocketConnection::revoke(core::MessageNumber number) {
  if (!outbox_.revoke(number)) return false;
  --traffic_.messages_out;
  return true;
}

proto::Delivery WebSocketConnection::delivery(core::MessageNumber number) {
  acknowledge();
  bool const untouched = outbox_.untouched(number);
  auto const delivery = log_.delivery(number, untouched);
  // What is framed cannot be taken back: it still goes out, unless the connection is over.
  bool const goes_out =
      number != core::MessageNumber::none && !untouched && state_ != State::over && !write_broken_;
  return delivery == proto::Delivery::not_sent && goes_out ? proto::Delivery::unknown : delivery;
}

void WebSocketConnection::acknowledge() {
  if (!stream_.socket().is_open()) return;
  std::size_t const unacknowledged = unacknowledged_bytes(stream_.socket());
  // The kernel's count includes our FIN, which is no byte of the stream, and what TLS adds: less may seem to
  // have arrived than has, never more.
  if (unacknowledged <= log_.given()) log_.acknowledged(log_.given() - unacknowledged);
}

void WebSocketConnection::schedule_flush() {
  if (flush_scheduled_ || write_waits_ || write_broken_) return;
  flush_scheduled_ = true;
  shard_.flush_later(*this);
}

void WebSocketConnection::flush() {
  flush_scheduled_ = false;
  if (write_waits_ || write_broken_ || state_ == State::over) return;
  auto const turn_end = log_.given() + bytes_per_turn;
  do {
    if (send_ready_frame()) {
      if (outbox_.empty() && state_ == State::open) return all_sent();
      continue;
    }
    if (write_broken_) return;
    fill();
    if (out_.empty()) return all_sent();
    if (!send_some()) return;
  } while (log_.given() < turn_end);
  schedule_flush();
}

// What many connections send is framed once and sent from where it is. Nobody asks how far it got, so it is
// not in the log. True when a whole frame is with the kernel.
bool WebSocketConnection::send_ready_frame() {
  if (!out_.empty() || !may_frame()) return false;
  auto const fragment = outbox_.next_fragment(fragment_size);
  if (!fragment || fragment->frame.empty()) return false;
  auto const frame = fragment->frame;
  bool const alone = outbox_.bytes() == fragment->body.size();
  if (!alone && frame.size() < sent_alone_from) return false;
  error_code error;
  std::size_t const count = stream_.write_some(frame, error);
  if (error && error != asio::error::would_block) {
    write_broken_ = true;
    return false;
  }
  traffic_.bytes_out += count;
  out_offset_ += count;
  log_.given(out_offset_);
  if (count != 0 && stalled_.is_set()) stalled_.set_in(settings_.write_timeout);
  bool const whole = count == frame.size();
  out_.append(frame.substr(count));
  outbox_.pop_fragment(*fragment);
  return whole;
}

void WebSocketConnection::fill() {
  if (!may_frame()) return;
  if (out_.capacity() == 0) out_.swap(shard_.send_buffer());
  while (out_.size() - out_sent_ < fragment_size) {
    auto const fragment = outbox_.next_fragment(fragment_size);
    if (!fragment) break;
    write_fragment(*fragment);
  }
  if (state_ == State::closing && outbox_.empty()) {
    close_written_ = true;
    codec_->close(close_code_, close_reason_);
  }
}

void WebSocketConnection::write_fragment(core::Fragment const& fragment) {
  auto const begin = stream_end();
  codec_->write(fragment);
  log_.framed(fragment.number, begin, stream_end());
  if (fragment.position == core::FramePosition::last) log_.completed(fragment.number);
  outbox_.pop_fragment(fragment);
}

bool WebSocketConnection::send_some() {
  error_code error;
  std::size_t const count = stream_.write_some(out_.view().substr(out_sent_), error);
  if (error == asio::error::would_block) {
    wait_writable();
    return false;
  }
  if (error) {
    // What the peer sent before it went is still to be read; reading then finds the end by itself.
    write_broken_ = true;
    return false;
  }
  out_sent_ += count;
  traffic_.bytes_out += count;
  log_.given(out_offset_ + out_sent_);
  if (log_.size() > log_high_water) acknowledge();
  if (stalled_.is_set()) stalled_.set_in(settings_.write_timeout);
  if (out_sent_ == out_.size()) {
    out_offset_ += out_.size();
    out_sent_ = 0;
    out_.clear();
  } else if (out_sent_ >= fragment_size) {
    out_.consume(out_sent_);
    out_offset_ += std::exchange(out_sent_, 0);
  }
  return true;
}

void WebSocketConnection::all_sent() {
  stalled_.clear();
  out_.clear_and_shrink(2 * fragment_size);
  if (out_.capacity() > shard_.send_buffer().capacity()) out_.swap(shard_.send_buffer());
  out_.clear_and_shrink(0);
  if (state_ != State::finishing || end_written_) return;
  // The peer sees the end of the stream behind our close frame; a close() with unread input would reset it.
  if (stream_.end_output() == asio::error::would_block) return wait_writable();
  end_written_ = true;
}

void WebSocketConnection::wait_writable() {
  write_waits_ = true;
  if (!stalled_.is_set()) stalled_.set_in(settings_.write_timeout);
  stream_.wait_writable([this](error_code const& error) {
    write_waits_ = false;
    if (error || state_ == State::over) return joined_.notify();
    flush();
  });
}

}  // namespace reachback::net
