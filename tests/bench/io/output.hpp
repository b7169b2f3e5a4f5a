#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/io/block.hpp"

namespace reachback::bench {

enum class Flushed : std::uint8_t { all, some, broken };

/// What waits to be sent on one socket: texts, which are copied together, and blocks, which are not.
class Output {
 public:
  void append(std::string_view text) { text_.append(text); }
  void append(BlockPtr block);
  /// To write a text in place.
  [[nodiscard]] std::string& text() { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty() && pieces_.empty(); }

  /// Gives the kernel what it takes, in one call if that is enough.
  [[nodiscard]] Flushed flush(int socket);

 private:
  struct Piece {
    std::string text;
    BlockPtr block;
    [[nodiscard]] std::string_view view() const { return block ? block->view() : std::string_view(text); }
  };
  [[nodiscard]] Flushed flush_text(int socket);
  [[nodiscard]] Flushed flush_pieces(int socket);
  void consume(std::size_t sent);

  std::vector<Piece> pieces_;  ///< before `text_`
  std::string text_;
  std::size_t sent_ = 0;  ///< of the first piece, or of the text when there is none
};

}  // namespace reachback::bench
