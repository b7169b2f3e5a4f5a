#pragma once

#include <cstdint>
#include <vector>

#include "reachback/proto/answer.hpp"

namespace reachback::proto {

/// What to do with one more message of an answer.
enum class PartVerdict : std::uint8_t {
  deliver,       ///< a part, and more will come
  deliver_last,  ///< it ends the answer
  duplicate,     ///< its number has come before: drop and count
  bad,           ///< it breaks the protocol: the call ends with `bad-answer`
};

/// Counts the parts of one answer and knows which of them ends it (wire-protocol.md, "The response"). Pure;
/// its memory is proportional to the largest part number seen out of order, at most 125 KiB.
class PartTracker {
 public:
  [[nodiscard]] PartVerdict accept(Answer const& answer);
  [[nodiscard]] std::uint32_t received() const { return received_; }
  /// How many are still to come, once a part has.
  [[nodiscard]] std::uint32_t missing() const { return count_ - received_; }
  /// For `bad`: a sentence that names what is wrong.
  [[nodiscard]] char const* fault() const { return fault_; }

 private:
  [[nodiscard]] bool mark(std::uint32_t id);

  std::uint32_t count_ = 0;           ///< `numParts` of the first part, 0 before it
  std::uint32_t received_ = 0;        ///< different parts seen
  std::uint32_t prefix_ = 0;          ///< parts 1 to prefix_ have come
  std::vector<std::uint64_t> later_;  ///< bit n: part n has come, for numbers above prefix_
  char const* fault_ = "";
};

}  // namespace reachback::proto
