#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "reachback/proto/answer.hpp"
#include "reachback/proto/payload_checker.hpp"

namespace reachback::proto {

/// Turns the `data` of one part into its payload bytes, a slice at a time so that no shard is held up:
/// unescapes, decodes base64 (RFC 4648, strict), inflates if `compressed`, hashes, and checks `hash` and
/// `dataSize` where they are there. Inflating stops at the announced `dataSize` or at `part_limit`, whichever
/// is smaller.
class PartDecoder {
 public:
  static constexpr std::size_t default_slice = 32 * 1024;

  enum class State : std::uint8_t { more, done, bad };

  /// `answer`'s views stay valid while the decoder lives.
  PartDecoder(Answer const& answer, std::size_t part_limit);
  ~PartDecoder();
  PartDecoder(PartDecoder&&) noexcept;
  PartDecoder& operator=(PartDecoder&&) noexcept;

  /// Takes about `slice` more bytes of `data`, or produces about as many when inflating. Call until not
  /// `more`.
  [[nodiscard]] State step(std::size_t slice = default_slice);
  /// For `bad`: a sentence that names what is wrong.
  [[nodiscard]] std::string const& fault() const;
  /// For `bad`: whether the part was longer than `part_limit`.
  [[nodiscard]] bool over_limit() const;
  /// The payload bytes, after `done`.
  [[nodiscard]] std::string take_payload();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reachback::proto
