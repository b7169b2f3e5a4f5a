#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "core/buffer.hpp"
#include "core/outbox.hpp"

namespace reachback::gateway {

/// One server-sent event for all subscribers. A message is put into its form when it is written, by each
/// subscriber in slices.
struct Event {
  std::string text;                     ///< as it is written, but for the message in it
  std::optional<core::Buffer> message;  ///< its form (`text` or `base64`) and the event's end follow `text`
  core::MessageKind kind = core::MessageKind::text;

  [[nodiscard]] std::size_t size() const { return text.size() + (message ? message->size() : 0); }
};

/// The way of events from endpoints, on any shard, to one subscriber on its own: bounded in bytes of
/// their messages before they are escaped; a subscriber that falls behind by more is cut off. Owned by the
/// subscriber and by every endpoint that it listens to, whichever lasts longest.
class EventStream {
 public:
  EventStream(async::Shard& home, std::size_t limit) : home_(home), limit_(limit), ready_(home.strand()) {}

  /// Any shard: sends one event, ready to be written. What does not fit cuts the subscriber off.
  static void publish(std::shared_ptr<EventStream> const& stream, std::shared_ptr<Event const> event);
  /// Any shard: no more events come.
  static void end(std::shared_ptr<EventStream> const& stream);

  // On the subscriber's shard.

  /// Waits for events; empty when the stream is over and, unless it was cut off, all that came before has
  /// been taken.
  [[nodiscard]] async::Task<std::deque<std::shared_ptr<Event const>>> next();
  /// Puts one event in as if it came from an endpoint, e.g. a comment that keeps the stream alive.
  void put(std::shared_ptr<Event const> event);
  void stop();
  /// The same behind a last word, for which there is always room.
  void stop(std::shared_ptr<Event const> farewell);
  /// Whether it fell too far behind.
  [[nodiscard]] bool cut_off() const { return cut_off_.load(std::memory_order_relaxed); }

 private:
  async::Shard& home_;
  std::size_t const limit_;
  std::atomic<std::size_t> waiting_{0};  ///< bytes that the subscriber has not taken
  std::atomic<bool> cut_off_{false};
  std::deque<std::shared_ptr<Event const>> events_;
  bool over_ = false;
  async::Signal ready_;
};

}  // namespace reachback::gateway
