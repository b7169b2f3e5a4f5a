#include "text_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "reachback/errors.hpp"

namespace reachback::service {

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
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) refuse(std::generic_category().message(errno));
  return text;
}

}  // namespace reachback::service
