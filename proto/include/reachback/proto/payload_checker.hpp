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
  /// The only part of an answer, checked by itself and of so many bytes: true when the whole is announced
  /// with the same hash or none, so that it need not be hashed again. Else go on with `update`.
  [[nodiscard]] bool take_single(Answer const& answer, std::uint64_t size);
  /// Payload bytes in order. False: they are more than `fileSize`. Callers slice at 64 KiB.
  [[nodiscard]] bool update(std::string_view bytes);
  /// True when size and hash are as announced.
  [[nodiscard]] bool finish();

 private:
  [[nodiscard]] bool expect_hash(JsonValue const& value);
  [[nodiscard]] bool expect_size(JsonValue const& value);

  std::optional<Md5> md5_;  ///< made with the first bytes: most answers never need it
  std::uint64_t size_ = 0;
  std::optional<std::string> announced_hash_;
  std::optional<std::uint64_t> announced_size_;
};

}  // namespace reachback::proto
