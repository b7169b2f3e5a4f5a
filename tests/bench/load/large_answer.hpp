#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/io/block.hpp"

namespace reachback::bench {

/// A payload cut into parts as services of the wire protocol do it, made once before anything is measured.
class LargeAnswer {
 public:
  struct Part {
    std::string keys;    ///< from `"status"` to the quote that begins the data
    std::string tail;    ///< the data and what follows, with the line's end of NDJSON
    BlockPtr masked;     ///< the same without the line's end, masked as from the payload's begin
    std::string packed;  ///< the data before base64
  };

  static constexpr std::size_t part_size = 10 << 20;

  /// `seed` makes payloads differ.
  LargeAnswer(std::size_t size, bool compressed, unsigned seed);

  [[nodiscard]] std::string const& payload() const { return payload_; }
  [[nodiscard]] std::vector<Part> const& parts() const { return parts_; }
  /// The data of all parts in one base64 text, and what follows it in a merged message.
  [[nodiscard]] std::string merged_tail() const;

 private:
  std::string payload_;
  std::vector<Part> parts_;
};

}  // namespace reachback::bench
