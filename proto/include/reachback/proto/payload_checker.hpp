#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reachback/proto/answer.hpp"
#include "reachback/proto/md5.hpp"

namespace reachback::proto {

/// Checks the whole payload against `fileHash` and `fileSize` of the parts, where they are there. A hash is
/// compared without regard to letter case; a key that has the wrong type or differs between parts is a
/// mismatch.
class PayloadChecker {
 public:
  /// One part's head, in any order. False: it contradicts an earlier one or has the wrong type.
  [[nodiscard]] bool expect(Answer const& answer);
  /// Payload bytes in order. False: they are more than `fileSize`. Callers slice at 64 KiB.
  [[nodiscard]] bool update(std::string_view bytes);
  /// True when size and hash are as announced.
  [[nodiscard]] bool finish();

 private:
  [[nodiscard]] bool expect_hash(JsonValue const& value);
  [[nodiscard]] bool expect_size(JsonValue const& value);

  Md5 md5_;  ///< always fed: the hash may be announced by a later part only
  std::uint64_t size_ = 0;
  std::optional<std::string> announced_hash_;
  std::optional<std::uint64_t> announced_size_;
};

}  // namespace reachback::proto
