#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/io/block.hpp"
#include "bench/load/expected_answer.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// An answer that is too large for the memory, in parts of 10 MiB: a few payloads that take turns, under keys
/// of each part's own.
class BulkAnswer {
 public:
  BulkAnswer(std::size_t mib, bool compressed);

  [[nodiscard]] std::size_t parts() const { return keys_.size(); }
  /// From `"status"` to the quote that begins the data.
  [[nodiscard]] std::string const& keys(std::size_t index) const { return keys_[index]; }
  /// The data and what follows it, masked.
  [[nodiscard]] BlockPtr const& tail(std::size_t index) const { return of(index).masked; }
  /// Lives no longer than the answer. Lines or octets.
  [[nodiscard]] ExpectedAnswer expected(Form form) const;

 private:
  struct Payload {
    std::string bytes, line, hash;
    BlockPtr masked;
  };
  [[nodiscard]] Payload const& of(std::size_t index) const { return payloads_[index % payloads_.size()]; }

  std::vector<Payload> payloads_;
  std::vector<std::string> keys_;
};

}  // namespace reachback::bench
