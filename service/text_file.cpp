#include "text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "reachback/errors.hpp"

namespace reachback::service {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\v\f";
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

}  // namespace

std::string read_text_file(std::string const& path) {
  auto const refuse = [&](std::string const& why) {
    throw StartError(fmt::format("{} cannot be read: {}", path, why));
  };
  std::error_code error;
  // Only these can be read again; a FIFO would hold the reader until somebody writes to it.
  auto const status = std::filesystem::status(path, error);
  if (error) refuse(error.message());
  if (!std::filesystem::is_regular_file(status)) refuse("it is no regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece;
  // Not by iterators over the buffer: these throw when the system cannot read.
  while (file.read(piece.data(), piece.size()) || file.gcount() != 0)
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad()) refuse(std::generic_category().message(errno));
  return text;
}

std::string without_line_break(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (unsigned number = 1; !text.empty(); ++number) {
    auto const end = std::min(text.find('\n'), text.size());
    std::string_view const line = trim(text.substr(0, end));
    if (!line.empty() && !line.starts_with('#')) lines.push_back({number, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace reachback::service
