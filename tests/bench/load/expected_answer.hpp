#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/large_answer.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// Compares a large answer with what it has to be, while it comes.
class ExpectedAnswer {
 public:
  enum class Keys : std::uint8_t { none, before };

  /// Next come a message's keys, with the nonce among them, or none; then exactly these bytes.
  void add(Keys keys, std::string_view bytes) { pieces_.push_back({keys, bytes}); }

  void begin(std::string_view nonce);
  /// Throws std::runtime_error at the first byte that is wrong.
  void take(std::string_view bytes);
  /// Throws when something is missing.
  void finish() const;

 private:
  struct Piece {
    Keys keys;
    std::string_view bytes;
  };
  /// Takes what belongs to the keys; returns how much that was.
  std::size_t take_keys(std::string_view bytes);
  std::size_t take_bytes(std::string_view bytes);
  void next_piece();

  std::vector<Piece> pieces_;
  std::string nonce_;
  std::size_t piece_ = 0;
  std::size_t done_ = 0;  ///< of the piece's bytes
  bool in_keys_ = false;
  std::string keys_;
};

/// `merged_tail`: the answer's, for the form JSON of several parts. Both have to outlive what is returned.
[[nodiscard]] ExpectedAnswer expect(LargeAnswer const& answer, Form form, std::string_view merged_tail);

}  // namespace reachback::bench
