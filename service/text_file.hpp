#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reachback::service {

/// The whole file. Throws StartError, one line with the path and the system's reason, when it cannot be read
/// or is no regular file.
[[nodiscard]] std::string read_text_file(std::string const& path);

/// `text` without one line break at its end.
[[nodiscard]] std::string without_line_break(std::string text);

/// A line of a file, counted from 1.
struct Line {
  unsigned number;
  std::string_view text;
};

/// The lines that say something, without white space around them: neither empty nor a comment, which begins
/// with #. They point into `text`.
[[nodiscard]] std::vector<Line> lines_of(std::string_view text);

}  // namespace reachback::service
