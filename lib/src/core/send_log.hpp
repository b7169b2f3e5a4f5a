#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/outbox.hpp"
#include "reachback/proto/problem.hpp"

namespace reachback::core {

/// Remembers where in a connection's byte stream each message lies, so that the end of a call can say how far
/// its frame got (http-api.md, `delivery`). Offsets count the bytes appended to the connection's output.
/// Pure.
///
/// Bounded: messages that wait for their acknowledgement are remembered one by one up to `exact_entries`;
/// beyond, those given to the kernel are put together in groups of about 1/512 of the bytes in flight. A
/// group counts as acknowledged when all of it is, so that a delivery errs towards `unknown` only.
class SendLog {
 public:
  static constexpr std::size_t exact_entries = 2048;

  /// A frame of `number` takes the bytes [begin, end). Numbers come in rising order, a message's frames one
  /// by one.
  void framed(MessageNumber number, std::uint64_t begin, std::uint64_t end);
  /// All of the message is framed.
  void completed(MessageNumber number);
  /// The first `offset` bytes were given to the kernel.
  void given(std::uint64_t offset) { given_ = std::max(given_, offset); }
  /// The first `offset` bytes were acknowledged, by TCP or by a pong that answers a later ping.
  void acknowledged(std::uint64_t offset);

  /// `untouched`: the message still waits in the outbox. Not for a message that was revoked: its number may
  /// lie between those of others.
  [[nodiscard]] proto::Delivery delivery(MessageNumber number, bool untouched) const;
  [[nodiscard]] std::uint64_t given() const { return given_; }
  [[nodiscard]] std::size_t size() const { return entries_.size() - gone_; }

 private:
  /// The messages `first` to `last`; more than one only when all of them are complete and given to the
  /// kernel.
  struct Entry {
    MessageNumber first, last;
    std::uint64_t begin, end;
    bool complete;
  };

  [[nodiscard]] std::vector<Entry>::const_iterator first() const {
    return entries_.begin() + static_cast<std::ptrdiff_t>(gone_);
  }
  void forget_acknowledged();
  void erase_gone();
  void compact();
  [[nodiscard]] bool given_whole(Entry const& entry) const { return entry.complete && entry.end <= given_; }

  std::vector<Entry> entries_;
  std::size_t gone_ = 0;  ///< of the entries, the first: their messages are acknowledged whole
  std::uint64_t given_ = 0;
  std::uint64_t acknowledged_ = 0;
  MessageNumber forgotten_ = MessageNumber::none;  ///< the last message that was acknowledged whole
  std::size_t compact_at_ = exact_entries;
};

}  // namespace reachback::core
