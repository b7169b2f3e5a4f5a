#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/budget.hpp"
#include "core/buffer.hpp"

namespace reachback::core {

enum class MessageKind : std::uint8_t { text, binary };

/// Counts the messages of one connection in the order in which they were queued, from 1.
enum class MessageNumber : std::uint64_t { none = 0 };

/// Bytes that several outboxes hold, or that belong to somebody else: whoever holds one keeps `owner` alive.
struct SharedBytes {
  std::shared_ptr<void const> owner;
  std::string_view bytes;
  std::string_view frame{};  ///< `bytes` as one frame of a server, ready to be sent; may be empty
};

/// One message on its way out. The head is what is spliced in before the body (a request's `callId`).
struct OutMessage {
  using Body = std::variant<Buffer, SharedBytes>;

  MessageKind kind = MessageKind::text;
  std::string head{};
  Body body{};
  std::size_t body_from = 0;  ///< the body's first byte that is sent
  Permit permit{};            ///< its share of the budget of all outboxes

  [[nodiscard]] std::string_view body_view() const;
  [[nodiscard]] std::size_t size() const { return head.size() + body_view().size(); }
};

enum class FramePosition : std::uint8_t { more_follow, last };

/// A piece of a message that goes out as one frame.
struct Fragment {
  MessageNumber number{};
  MessageKind kind = MessageKind::text;
  std::string_view head{};
  std::string_view body{};
  FramePosition position = FramePosition::last;
  bool first = true;
  std::string_view
      frame{};  ///< all of it as it goes out, where that is ready: many connections send the same
};

/// A connection's send queue, bounded in bytes: a message that does not fit is refused, but an empty outbox
/// takes any one message. Pure, lives on the connection's shard.
class Outbox {
 public:
  /// What even the smallest message counts against the limit: about what its entry takes, so that a peer that
  /// does not read cannot pile up empty messages without end.
  static constexpr std::size_t min_charge = 128;

  explicit Outbox(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] bool fits(std::size_t size) const {
    return messages_.empty() || charged_ + charge(size) <= limit_;
  }
  /// Call only when it `fits`, or when the number of such small messages is bounded otherwise.
  MessageNumber push(OutMessage&& message);

  /// The next piece of the oldest message, at most `max` bytes (at least 1); nothing when empty. Its views
  /// hold until `pop_fragment`.
  [[nodiscard]] std::optional<Fragment> next_fragment(std::size_t max) const;
  /// Takes that piece out; the message goes with its last piece.
  void pop_fragment(Fragment const& fragment);

  /// Takes a message back of which nothing has been framed. False: too late, or it is not here.
  bool revoke(MessageNumber number);

  /// Bytes of whole messages that wait; one in the middle counts whole.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  /// Whether the message is still here with no byte of it framed.
  [[nodiscard]] bool untouched(MessageNumber number) const;

 private:
  struct Entry {
    Entry(std::size_t bytes, OutMessage&& out) : size(bytes), message(std::move(out)) {}
    std::size_t size;
    OutMessage message;
  };
  /// A map and no deque: calls end in any order, and each takes its message out of the middle.
  using Messages = std::map<MessageNumber, Entry>;

  [[nodiscard]] static std::size_t charge(std::size_t size) { return std::max(size, min_charge); }
  [[nodiscard]] bool touched(Messages::const_iterator message) const {
    return framed_ != 0 && message == messages_.begin();
  }
  void erase(Messages::const_iterator message);

  std::size_t const limit_;
  Messages messages_;
  std::size_t bytes_ = 0;
  std::size_t charged_ = 0;
  std::size_t framed_ = 0;  ///< of the front message
  std::uint64_t last_ = 0;
};

}  // namespace reachback::core
