#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/buffer.hpp"

namespace reachback::net {

/// Lines of an HTTP head, as they are written. Nothing is escaped: values are ours, or have been checked to
/// be one line. Inline, so that names that are constants are copied as such: an answer has eight lines.
class FieldLines {
 public:
  void add(std::string_view name, std::string_view value) {
    put(put(put(put(text_.prepare(name.size() + value.size() + 4), name), ": "), value), "\r\n");
    text_.grow_by(name.size() + value.size() + 4);
  }
  void add(std::string_view name, std::uint64_t number) {
    put(put(text_.prepare(name.size() + 2), name), ": ");
    text_.grow_by(name.size() + 2);
    end_line(number);
  }
  /// Other lines, or an end of one.
  void add(std::string_view text) { text_.append(text); }

  [[nodiscard]] std::string_view text() const { return text_.view(); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  void clear() { text_.clear(); }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }

 private:
  /// The value of a line that has begun.
  void end_line(std::uint64_t number);

  static char* put(char* at, std::string_view piece) {
    std::memcpy(at, piece.data(), piece.size());
    return at + piece.size();
  }

  core::Buffer text_;
};

}  // namespace reachback::net
