#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reachback/proto/json_scanner.hpp"

namespace reachback::proto {

/// What stands before the base64 of the merged `data` of a multi-part answer in the form `application/json`
/// (http-api.md, "Calls"), made a slice at a time so that no shard is held up. The keys of the first part
/// stay as they are and in their order, without `compressed`, `multipart`, `data` and doubles (the last of
/// equal keys counts); `numParts` and `partId` are 1, `hash` is `fileHash` and `dataSize` is `fileSize` (left
/// out where the file's is absent). The head ends with `"data":"`.
class MergedHead {
 public:
  /// Merging keeps every key of the first part: bounds on what a service can make its gateway do.
  static constexpr std::size_t most_keys = 1000;
  static constexpr std::size_t longest_keys = 64 * 1024;  ///< of all keys together
  static constexpr std::size_t default_slice = 32 * 1024;

  enum class State : std::uint8_t { more, done, bad };

  /// The whole text of the part with `partId` 1, valid JSON; it outlives the head.
  explicit MergedHead(std::string_view first_part) : text_(first_part) {}

  /// Reads about `slice` more bytes. Call until not `more`.
  [[nodiscard]] State step(std::size_t slice = default_slice);
  /// For `bad`: a sentence that names what is wrong.
  [[nodiscard]] char const* fault() const { return fault_; }
  /// After `done`: the next piece of the head, of at most `most` bytes; empty at its end.
  [[nodiscard]] std::string next_piece(std::size_t most = default_slice);

 private:
  struct Member {
    std::string_view key;
    std::string identity;
    std::string_view raw;
  };

  State fail(char const* why);
  void drop_doubles();
  void lay_out();
  void lay_out(std::string_view key, std::string_view raw);
  [[nodiscard]] std::string_view present_value(std::string_view key) const;

  std::string_view text_;
  std::size_t read_ = 0;
  ObjectScanner scanner_;
  std::size_t keys_size_ = 0;
  std::vector<Member> members_;
  std::vector<std::string_view> pieces_;  ///< of the head, in order
  std::size_t next_ = 0;                  ///< in `pieces_`
  char const* fault_ = "";
};

/// The whole head at once, of a first part that is within the bounds.
[[nodiscard]] std::string merged_head(std::string_view first_part);
inline constexpr std::string_view merged_tail = "\"}";

}  // namespace reachback::proto
