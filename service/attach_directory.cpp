#include "attach_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "reachback/errors.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::service {
namespace {

namespace fs = std::filesystem;

// A FIFO must not hold the worker until somebody writes to it.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

bool is_relative_and_downward(std::string const& name) {
  if (name.empty() || name.find('\0') != std::string::npos) return false;
  fs::path const path(name);
  return path.is_relative() && std::ranges::none_of(path, [](fs::path const& part) { return part == ".."; });
}

bool lies_below(fs::path const& path, fs::path const& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

bool is_regular(FileHandle const& file) {
  struct stat status{};
  return ::fstat(file.number(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

ServedDirectory::ServedDirectory(std::string const& path, Confinement confinement)
    : confinement_(confinement) {
  handle_ = FileHandle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::error_code error(errno, std::generic_category());
  if (handle_.is_open()) root_ = fs::canonical(path, error);
  if (error && root_.empty())
    throw StartError(fmt::format("the directory {} cannot be opened: {}", path, error.message()));
}

boost::system::result<FileHandle, std::string> ServedDirectory::open(std::string const& name) const {
  if (!is_relative_and_downward(name)) return std::string("the name leads out of the served directory");
  int number = confinement_ == Confinement::kernel ? open_beneath(name) : open_by_path(name);
  // EPERM: a sandbox that does not know the call yet.
  bool const unknown_call = number < 0 && (errno == ENOSYS || errno == EPERM);
  if (confinement_ == Confinement::kernel && unknown_call) number = open_by_path(name);
  if (number >= 0) return FileHandle(number);
  if (errno == EXDEV) return std::string("the name leads out of the served directory");
  return std::error_code(errno, std::generic_category()).message();
}

int ServedDirectory::open_beneath(std::string const& name) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(read_flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, handle_.number(), name.c_str(), &how, sizeof how));
}

int ServedDirectory::open_by_path(std::string const& name) const {
  std::error_code error;
  auto const path = fs::weakly_canonical(root_ / name, error);
  if (error) {
    errno = error.value();
    return -1;
  }
  if (!lies_below(path, root_)) {
    errno = EXDEV;
    return -1;
  }
  return ::open(path.c_str(), read_flags | O_NOFOLLOW);
}

std::vector<std::string> ServedDirectory::list(std::string const& pattern) const {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(root_, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    auto name = entry->path().lexically_relative(root_).string();
    bool const asked =
        pattern.empty() || ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
    if (asked && proto::is_valid_utf8(name) && is_served(*entry, name)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

bool ServedDirectory::is_served(fs::directory_entry const& entry, std::string const& name) const {
  std::error_code error;
  if (!entry.is_symlink(error)) return entry.is_regular_file(error);
  auto const target = open(name);
  return target && is_regular(*target);
}

}  // namespace reachback::service
