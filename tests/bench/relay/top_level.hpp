#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reachback::bench {

/// The number behind a key that stands near the beginning of a message. No parsing: the load tool sends no
/// message in which the key could stand elsewhere before.
[[nodiscard]] inline std::optional<std::uint64_t> number_at_top(std::string_view text, std::string_view key) {
  constexpr std::size_t searched = 512;
  auto const at = text.substr(0, searched).find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace reachback::bench
