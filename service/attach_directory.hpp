#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attach_file.hpp"

namespace reachback::service {

/// How names are kept inside the directory.
enum class Confinement : std::uint8_t {
  kernel,  ///< openat2 with RESOLVE_BENEATH (Linux 5.6); where the system lacks or forbids it, as `path`
  path,    ///< the name is resolved and compared first, then opened
};

/// A directory whose regular files are given away, and nothing outside it: no absolute names, no `..`, no
/// symbolic link that leads out. Any thread.
class ServedDirectory {
 public:
  /// Throws StartError when it cannot be opened as a directory.
  explicit ServedDirectory(std::string const& path, Confinement confinement = Confinement::kernel);

  /// A file below it; what is opened may still be no regular file. The error is a text for the caller.
  [[nodiscard]] boost::system::result<FileHandle, std::string> open(std::string const& name) const;

  /// Names of the regular files below it, in order. `pattern` as in a shell: `*` does not match a `/`; the
  /// empty one stands for all. Names that are not UTF-8 cannot be said in JSON and are left out.
  [[nodiscard]] std::vector<std::string> list(std::string const& pattern) const;

 private:
  [[nodiscard]] int open_beneath(std::string const& name) const;
  [[nodiscard]] int open_by_path(std::string const& name) const;
  [[nodiscard]] bool is_served(std::filesystem::directory_entry const& entry, std::string const& name) const;

  std::filesystem::path root_;  ///< canonical
  FileHandle handle_;
  Confinement confinement_;
};

}  // namespace reachback::service
