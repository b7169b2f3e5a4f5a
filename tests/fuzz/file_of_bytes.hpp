#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace reachback::fuzz {

/// A file in memory whose content is replaced from input to input.
class FileOfBytes {
 public:
  explicit FileOfBytes(std::string_view content) {
    if (::ftruncate(handle(), 0) != 0) std::abort();
    if (::pwrite(handle(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
      std::abort();
  }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(handle()); }

 private:
  static int handle() {
    static int const file = ::memfd_create("input", MFD_CLOEXEC);
    return file;
  }
};

}  // namespace reachback::fuzz
