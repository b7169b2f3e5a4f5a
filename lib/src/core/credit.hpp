#pragma once

#include <cstdint>

namespace reachback::core {

/// Whether the peer of a connection speaks `reachback.v1` (http-api.md): then answers are paced by credits,
/// and it gets the gateway's own messages beside the requests.
enum class Pacing : std::uint8_t { none, credits };

/// How many parts of one answer may still be sent unasked or are allowed by credits. Pure; the gateway keeps
/// one for each paced call.
///
/// Every message with `data` and status 200 uses one, a repeated part too, since its sender has counted it.
/// A credit is promised when a part is accepted and given when that part is taken: the caller has it, or the
/// answer's form keeps it until earlier parts have come (so that parts out of order cannot stand still; they
/// stay bounded by the call's budget), or it was a repeated one. No more are promised than parts are missing:
/// `left` and promised ones together are two or all that is missing, whichever is less. So a call whose
/// service waits always has a part that its caller is about to take.
class PartCredit {
 public:
  static constexpr std::uint32_t unasked = 2;

  /// A part has come. False: it was not allowed.
  [[nodiscard]] bool use() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  /// After a part was accepted: whether a credit is due when it is taken. `missing` parts are still to come.
  [[nodiscard]] bool promise(std::uint32_t missing) {
    if (left_ + promised_ >= missing) return false;
    ++promised_;
    return true;
  }
  /// Gives a promised credit. False when none was promised.
  [[nodiscard]] bool give() {
    if (promised_ == 0) return false;
    --promised_;
    ++left_;
    return true;
  }
  /// The service must wait: it is not to blame for the time that passes.
  [[nodiscard]] bool exhausted() const { return left_ == 0; }

 private:
  std::uint32_t left_ = unasked;
  std::uint32_t promised_ = 0;
};

}  // namespace reachback::core
