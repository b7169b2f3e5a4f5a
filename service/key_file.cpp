#include "key_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "reachback/errors.hpp"
#include "reachback/token.hpp"
#include "text_file.hpp"

namespace reachback::service {
namespace {

constexpr std::size_t shortest_key = 32;

[[noreturn]] void cannot_make(std::string const& path) {
  std::string const why = std::generic_category().message(errno);
  throw StartError(fmt::format("the cookie key {} cannot be made: {}", path, why));
}

/// A file beside the one that is to be made, removed in the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string const& path) : path_(path + ".XXXXXX") {
    number_ = ::mkstemp(path_.data());  // mode 0600
    if (number_ < 0) cannot_make(path);
  }
  ~TemporaryFile() {
    ::close(number_);
    ::unlink(path_.c_str());
  }
  TemporaryFile(TemporaryFile const&) = delete;
  TemporaryFile& operator=(TemporaryFile const&) = delete;

  [[nodiscard]] bool write(std::string_view text) const {
    auto const written = ::write(number_, text.data(), text.size());
    return written == static_cast<ssize_t>(text.size()) && ::fsync(number_) == 0;
  }
  /// A link never replaces a file, unlike a renaming: who comes second takes what the first has made.
  [[nodiscard]] bool publish(std::string const& path) const {
    return ::link(path_.c_str(), path.c_str()) == 0 || errno == EEXIST;
  }

 private:
  std::string path_;
  int number_;
};

void make_key_file(std::string const& path) {
  // 256 random bits as 64 hex digits.
  std::string const key = hash_of_token(new_token());
  TemporaryFile const file(path);
  if (!file.write(key + '\n') || !file.publish(path)) cannot_make(path);
}

}  // namespace

std::string read_key_file(std::string const& path,
                          std::function<void(LogLevel, std::string_view)> const& log) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) make_key_file(path);
  std::string key = without_line_break(read_text_file(path));
  if (key.size() < shortest_key)
    throw StartError(
        fmt::format("the cookie key {} has {} bytes: at least {}", path, key.size(), shortest_key));
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    log(LogLevel::warning, fmt::format("others than its owner may read the cookie key {}", path));
  return key;
}

}  // namespace reachback::service
