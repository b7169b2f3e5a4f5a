#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reachback::fuzz {

/// An input read as a script: small numbers and texts from its front. At its end numbers are their least and
/// texts empty, so that every input is a script.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  /// From `least` to `most`, out of one byte, or of four where that is too little.
  [[nodiscard]] std::uint32_t number(std::uint32_t least, std::uint32_t most) {
    std::uint64_t const choices = std::uint64_t{most} - least + 1;
    std::uint64_t value = 0;
    for (std::size_t left = choices > 256 ? 4 : 1; left != 0; --left) value = value << 8 | byte();
    return static_cast<std::uint32_t>(least + value % choices);
  }
  [[nodiscard]] bool flag() { return (byte() & 1) != 0; }
  [[nodiscard]] std::string_view text(std::size_t size) {
    auto const taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  /// Up to a separator, which goes too, or to the end.
  [[nodiscard]] std::string_view until(char separator) {
    auto const taken = text(std::min(rest_.find(separator), rest_.size()));
    if (!rest_.empty()) rest_.remove_prefix(1);
    return taken;
  }
  [[nodiscard]] std::string_view line() { return until('\n'); }
  [[nodiscard]] std::string_view rest() { return text(rest_.size()); }

 private:
  std::uint8_t byte() {
    auto const taken = text(1);
    return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
  }

  std::string_view rest_;
};

}  // namespace reachback::fuzz
