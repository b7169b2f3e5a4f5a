#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "client/answer_id.hpp"

namespace reachback::client {

/// Whether a part may be made: `gone` means that nobody will take it any more.
enum class Verdict : std::uint8_t { granted, gone };

/// Bounds the bytes of all parts that are being made or wait to be sent, and deals the room out in the order
/// in which it was asked for, so that big answers take turns. Pure; lives on the service's shard.
class RoomWindow {
 public:
  /// Told once, maybe from inside the call that asks.
  using Reply = std::function<void(Verdict)>;

  /// `limit` in bytes; one part alone always fits, whatever its size.
  explicit RoomWindow(std::size_t limit) : limit_(limit) {}

  /// `answer` names who asks, for `turn_away`.
  void ask(AnswerId const& answer, std::size_t bytes, Reply reply);
  /// What was granted is free again: sent, or given up.
  void give_back(std::size_t bytes);
  /// Those of that answer who wait are told `gone`. What was granted comes back as it may.
  void turn_away(AnswerId const& answer);
  /// The same for all answers of a connection.
  void turn_away(proto::ConnectionId connection);

  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    AnswerId answer;
    std::size_t bytes;
    Reply reply;
  };

  [[nodiscard]] bool fits(std::size_t bytes) const { return used_ == 0 || used_ + bytes <= limit_; }
  template <class Predicate>
  void turn_away_those(Predicate const& predicate);
  void deal();

  std::size_t const limit_;
  std::size_t used_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace reachback::client
