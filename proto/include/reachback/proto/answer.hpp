#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "reachback/proto/ids.hpp"
#include "reachback/proto/json_scanner.hpp"

namespace reachback::proto {

/// Where a part stands in its answer: 1 <= id <= count <= max_parts.
struct PartPosition {
  std::uint32_t id = 1;
  std::uint32_t count = 1;
};

inline constexpr std::uint32_t max_parts = 1'000'000;

/// The head of one message from a service: every top-level key that the protocol knows, as views into the
/// text.
struct Answer {
  CallId call_id{};
  std::int64_t status = 0;
  bool has_line_break = false;           ///< between tokens
  bool has_data = false;                 ///< `data: null` counts as absent
  std::optional<PartPosition> position;  ///< nothing when `numParts`/`partId` break the rules: `bad-answer`
  JsonValue data, compressed, hash, data_size, file_hash, file_size, error;
};

/// Why a text from a service is no answer to anything: it is counted by this name, logged and dropped.
enum class AnswerFault : std::uint8_t { not_an_object, bad_json, too_deep, bad_cmd, bad_status, bad_call_id };

[[nodiscard]] std::string_view to_string(AnswerFault fault);

/// Reads the head of a service's message. `cmd` (string), `status` (integer) and `callId` (integer from 0 to
/// 2^53-1) are required; of two equal keys the last counts. `numParts` and `partId` default to 1, `numParts`
/// 0 reads as 1. `text` is UTF-8 and outlives the result.
[[nodiscard]] boost::system::result<Answer, AnswerFault> read_answer(std::string_view text);

/// The same for a text that comes bit by bit, so that no turn of a shard has to read all of it.
class AnswerReader {
 public:
  /// The text as far as it has come: what was there before, which may have moved meanwhile, and more.
  void grow(std::string_view text);
  /// The whole text, which outlives the result. Once.
  [[nodiscard]] boost::system::result<Answer, AnswerFault> complete(std::string_view text);

 private:
  /// A value's place in the text.
  struct Place {
    std::size_t at = 0, size = 0;
    JsonKind kind = JsonKind::absent;
    [[nodiscard]] JsonValue in(std::string_view text) const { return {text.substr(at, size), kind}; }
  };

  void read_members(std::string_view text);
  [[nodiscard]] Place* place_of(std::string_view key);
  [[nodiscard]] std::optional<AnswerFault> fill(Answer& answer, std::string_view text) const;

  ObjectScanner scanner_;
  Place cmd_, status_, call_id_, num_parts_, part_id_;
  Place data_, compressed_, hash_, data_size_, file_hash_, file_size_, error_;
};

}  // namespace reachback::proto
