#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <string>
#include <utility>

#include "reachback/remote_service.hpp"

namespace reachback::service {

/// An open file or directory of the system, closed when it dies. Negative: none.
class FileHandle {
 public:
  explicit FileHandle(int number = -1) : number_(number) {}
  FileHandle(FileHandle&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileHandle();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// The bytes of a regular file, read twice: for the hash, and part by part. When the file changes in between,
/// the next reading throws.
class FilePayload final : public PayloadSource {
 public:
  /// Throws std::runtime_error when it is no regular file. `ending` becomes true, on any thread, when nobody
  /// waits for the bytes any more; it outlives the payload.
  FilePayload(FileHandle file, std::atomic<bool> const& ending);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::string hash() override;
  [[nodiscard]] std::string read(std::size_t max) override;

 private:
  void check_unchanged() const;
  [[nodiscard]] std::size_t read_at(std::uint64_t offset, char* to, std::size_t max) const;

  FileHandle file_;
  std::atomic<bool> const& ending_;
  std::uint64_t size_ = 0;
  timespec modified_{};
  std::uint64_t at_ = 0;
};

}  // namespace reachback::service
