#include "attach_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "reachback/proto/md5.hpp"

namespace reachback::service {
namespace {

/// Small enough that the end of the service need not wait for long.
constexpr std::size_t hashed_at_once = 1024 * 1024;

struct stat status_of(FileHandle const& file) {
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  return status;
}

}  // namespace

FileHandle::~FileHandle() {
  if (number_ >= 0) ::close(number_);
}

FilePayload::FilePayload(FileHandle file, std::atomic<bool> const& ending)
    : file_(std::move(file)), ending_(ending) {
  auto const status = status_of(file_);
  if (!S_ISREG(status.st_mode)) throw std::runtime_error("it is no regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ = status.st_mtim;
}

std::string FilePayload::hash() {
  proto::Md5 md5;
  std::string slice(hashed_at_once, '\0');
  for (std::uint64_t at = 0; at < size_;) {
    if (ending_) throw std::runtime_error("the service ends");
    auto const count = read_at(at, slice.data(), slice.size());
    if (count == 0) break;
    md5.update({slice.data(), count});
    at += count;
  }
  check_unchanged();
  return md5.finish();
}

std::string FilePayload::read(std::size_t max) {
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(max, size_ - at_)), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    auto const count = read_at(at_ + filled, bytes.data() + filled, bytes.size() - filled);
    if (count == 0) break;
    filled += count;
  }
  check_unchanged();
  at_ += filled;
  bytes.resize(filled);
  return bytes;
}

void FilePayload::check_unchanged() const {
  auto const status = status_of(file_);
  bool const same = static_cast<std::uint64_t>(status.st_size) == size_ &&
                    status.st_mtim.tv_sec == modified_.tv_sec && status.st_mtim.tv_nsec == modified_.tv_nsec;
  if (!same) throw std::runtime_error("the file has changed while it was being read");
}

std::size_t FilePayload::read_at(std::uint64_t offset, char* to, std::size_t max) const {
  while (true) {
    auto const count = ::pread(file_.number(), to, max, static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "the file cannot be read");
  }
}

}  // namespace reachback::service
