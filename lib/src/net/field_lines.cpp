#include "net/field_lines.hpp"

#include <fmt/format.h>

namespace reachback::net {

void FieldLines::end_line(std::uint64_t number) {
  // std::to_chars counts the digits first, which costs as much as writing them.
  fmt::format_int const digits(number);
  put(put(text_.prepare(digits.size() + 2), {digits.data(), digits.size()}), "\r\n");
  text_.grow_by(digits.size() + 2);
}

}  // namespace reachback::net
