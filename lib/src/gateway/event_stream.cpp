#include "gateway/event_stream.hpp"

#include <utility>

namespace reachback::gateway {

void EventStream::publish(std::shared_ptr<EventStream> const& stream, std::shared_ptr<Event const> event) {
  if (stream->cut_off_.load(std::memory_order_relaxed)) return;
  std::size_t const size = event->size();
  std::size_t const waiting = stream->waiting_.fetch_add(size, std::memory_order_relaxed);
  // One event passes when nothing waits, whatever its size: who keeps up gets everything.
  if (waiting != 0 && waiting + size > stream->limit_) {
    stream->cut_off_.store(true, std::memory_order_relaxed);
    return end(stream);
  }
  stream->home_.dispatch([stream, event = std::move(event)] { stream->put(event); });
}

void EventStream::end(std::shared_ptr<EventStream> const& stream) {
  stream->home_.dispatch([stream] { stream->stop(); });
}

void EventStream::put(std::shared_ptr<Event const> event) {
  if (over_) return;
  events_.push_back(std::move(event));
  ready_.notify();
}

void EventStream::stop() {
  over_ = true;
  ready_.notify();
}

void EventStream::stop(std::shared_ptr<Event const> farewell) {
  waiting_.fetch_add(farewell->size(), std::memory_order_relaxed);
  put(std::move(farewell));
  stop();
}

async::Task<std::deque<std::shared_ptr<Event const>>> EventStream::next() {
  while (events_.empty() && !over_) co_await ready_.wait();
  auto taken = std::exchange(events_, {});
  if (cut_off_.load(std::memory_order_relaxed)) taken.clear();
  std::size_t bytes = 0;
  for (auto const& event : taken) bytes += event->size();
  waiting_.fetch_sub(bytes, std::memory_order_relaxed);
  co_return taken;
}

}  // namespace reachback::gateway
