#include "async/shard.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace reachback::async {
namespace {

thread_local Shard* current_shard = nullptr;

}  // namespace

Shard::Shard(std::uint32_t index, Clock& clock) : index_(index), clock_(clock) {
  clock_by_hand_ = clock_.moved_by_hand([this] { post([this] { expire(); }); });
}

Shard::~Shard() = default;

Shard* Shard::current() { return current_shard; }

void Shard::run() {
  current_shard = this;
  context_.run();
  current_shard = nullptr;
  mailbox_.close();
}

void Shard::stop() {
  post([this] {
    stopping_ = true;
    timer_.cancel();
    work_.reset();
  });
}

Shard::Deadlines::Handle Shard::at(core::TimePoint when, std::function<void()> expired) {
  auto const handle = deadlines_.add(when, std::move(expired));
  arm();
  return handle;
}

void Shard::move(Deadlines::Handle handle, core::TimePoint when) {
  deadlines_.move(handle, when);
  arm();
}

// The timer may go off too early, for a deadline that has moved or gone since: it then finds nothing and is
// armed anew. So a call that is answered in time costs no system call for its deadline.
void Shard::arm() {
  auto const next = deadlines_.next();
  if (stopping_ || !next) return;
  if (clock_by_hand_) {
    // The next move of the clock looks for the others; what is due already must not wait for it.
    if (*next <= now()) post([this] { expire(); });
    return;
  }
  if (armed_ && *armed_ <= *next) return;
  armed_ = next;
  timer_.expires_at(*next);
  timer_.async_wait([this](error_code const& error) {
    if (error) return;
    armed_.reset();
    expire();
  });
}

void Shard::expire() {
  if (stopping_) return;
  auto const now_is = now();
  while (auto expired = deadlines_.pop_due(now_is)) (*expired)();
  arm();
}

void Shard::flush_later(Flushable& flushable) {
  if (dirty_.empty()) asio::post(context_, [this] { flush_all(); });
  dirty_.push_back(&flushable);
}

void Shard::forget(Flushable& flushable) {
  std::replace(dirty_.begin(), dirty_.end(), &flushable, static_cast<Flushable*>(nullptr));
  std::replace(flushing_.begin(), flushing_.end(), &flushable, static_cast<Flushable*>(nullptr));
}

void Shard::flush_all() {
  flushing_.swap(dirty_);
  for (std::size_t i = 0; i < flushing_.size(); ++i) {
    if (flushing_[i] != nullptr) flushing_[i]->flush();
  }
  flushing_.clear();
}

void Deadline::set(core::TimePoint when) {
  if (when_) {
    shard_.move(handle_, when);
  } else {
    handle_ = shard_.at(when, [this] {
      when_.reset();
      expired_();
    });
  }
  when_ = when;
}

void Deadline::clear() {
  if (!when_) return;
  shard_.remove(handle_);
  when_.reset();
}

}  // namespace reachback::async
