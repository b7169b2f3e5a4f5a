#include "async/shard.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "async/turn.hpp"

namespace reachback::async {
namespace {

thread_local Shard* current_shard = nullptr;

/// Looking at the clock costs as much as a small one.
constexpr std::size_t flushes_per_look = 4;

/// Of all that has yielded, until the sockets are looked at again; the last of them may take longer. A small
/// call waits for it beside a big one, at each of its steps.
constexpr auto yielded_slice = std::chrono::microseconds(100);

/// Rounds of what yields, a tenth to a third of a millisecond each: some hundred small calls per second keep
/// company all the time.
constexpr unsigned company_lasts = 16;

}  // namespace

Shard::Shard(std::uint32_t index, Clock& clock, Work work)
    : index_(index), clock_(clock), kind_of_work_(work) {
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

// At once: who stops it may wait for its end in the same turn.
void Shard::stop() {
  mailbox_.post([this] {
    stopping_ = true;
    timer_.cancel();
    work_.reset();
  });
}

Shard::Deadlines::Handle Shard::at(core::TimePoint when, Deadline& deadline) {
  auto const handle = deadlines_.add(when, &deadline);
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
  Turn const turn;
  while (!turn.over()) {
    auto expired = deadlines_.pop_due(now_is);
    if (!expired) break;
    (*expired)->due();
  }
  arm();
}

void Shard::flush_later(Flushable& flushable) {
  dirty_.push_back(&flushable);
  post_flush();
}

void Shard::forget(Flushable& flushable) {
  std::replace(dirty_.begin(), dirty_.end(), &flushable, static_cast<Flushable*>(nullptr));
  std::replace(flushing_.begin(), flushing_.end(), &flushable, static_cast<Flushable*>(nullptr));
}

// Another shard posts for many calls in a turn of its loop, and wakes this one once, at the end of the turn:
// to be woken costs as much as several calls. Only shards with brief work do so among themselves: they are
// made and joined together, so that each is still there when the other's turn ends.
void Shard::wake_soon() {
  Shard* const here = current();
  bool const among_brief =
      here != nullptr && kind_of_work_ == Work::brief && here->kind_of_work_ == Work::brief;
  if (!among_brief || here == this) return mailbox_.wake();
  auto& others = here->to_wake_;
  if (std::ranges::find(others, this) == others.end()) others.push_back(this);
  here->post_flush();
}

void Shard::wake_others() {
  for (Shard* const shard : to_wake_) shard->mailbox_.wake();
  to_wake_.clear();
}

void Shard::post_flush() {
  if (std::exchange(flush_posted_, true)) return;
  if (resume_posted_) company_ = company_lasts;
  asio::post(context_, [this] {
    if (flush_posted_) flush_all();
  });
}

void Shard::flush_all() {
  flush_posted_ = false;
  wake_others();
  if (flushing_.empty()) flushing_.swap(dirty_);
  Turn const turn;
  while (next_flush_ < flushing_.size()) {
    if (auto* const flushable = flushing_[next_flush_++]) flushable->flush();
    if (next_flush_ % flushes_per_look == 0 && turn.over()) break;
  }
  if (next_flush_ == flushing_.size()) {
    flushing_.clear();
    next_flush_ = 0;
  }
  wake_others();
  if (!flushing_.empty() || !dirty_.empty()) post_flush();
}

Task<> Shard::yield() {
  return suspend([this](Waiter waiter) {
    yielded_.push_back(std::move(waiter));
    let_others_go_first();
  });
}

// The loop looks at its sockets between the two posts: what they have brought stands before the second.
void Shard::let_others_go_first() {
  if (std::exchange(resume_posted_, true)) return;
  asio::post(context_, [this] { asio::post(context_, [this] { resume_yielded(); }); });
}

void Shard::resume_yielded() {
  resume_posted_ = false;
  if (company_ != 0) --company_;
  if (flush_posted_) flush_all();
  auto const end = std::chrono::steady_clock::now() + yielded_slice;
  for (std::size_t left = yielded_.size(); left != 0; --left) {
    Waiter next = std::move(yielded_.front());
    yielded_.pop_front();
    std::move(next)();
    if (std::chrono::steady_clock::now() >= end) break;
  }
  if (!yielded_.empty()) let_others_go_first();
}

Deadline::~Deadline() {
  if (entered_ != never) shard_.remove(handle_);
}

void Deadline::set(core::TimePoint when) {
  when_ = when;
  if (entered_ > when) enter(when);
}

void Deadline::enter(core::TimePoint when) {
  if (entered_ != never) {
    shard_.move(handle_, when);
  } else {
    handle_ = shard_.at(when, *this);
  }
  entered_ = when;
}

void Deadline::due() {
  entered_ = never;
  if (!is_set()) return;
  if (when_ > shard_.now()) return enter(when_);
  when_ = never;
  expired_(owner_);
}

}  // namespace reachback::async
