#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace reachback::core {

/// Bytes with one owner, for messages of any size: growing does not clear the new bytes. Big blocks are pages
/// of their own, whatever the allocator does with its: growing moves them instead of copying, and giving them
/// back is quick.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::string_view bytes) { append(bytes); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) give_back();
  }

  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] char const* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

  /// Room for `count` more bytes behind the last; `grow_by` then makes them part of the buffer.
  [[nodiscard]] char* prepare(std::size_t count) {
    reserve(size_ + count);
    return data_ + size_;
  }
  void grow_by(std::size_t count) { size_ += count; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// Drops the first `count` bytes.
  void consume(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(data_, data_ + count, size_);
  }

  void clear() { size_ = 0; }
  /// Empties it and gives a block larger than `keep` back.
  void clear_and_shrink(std::size_t keep) {
    size_ = 0;
    if (capacity_ > keep) Buffer().swap(*this);
  }

  void reserve(std::size_t wanted) {
    if (wanted > capacity_) grow_to(wanted);
  }

 private:
  /// Blocks of this size and more are mapped.
  static constexpr std::size_t mapped_from = 1024 * 1024;

  void grow_to(std::size_t wanted);
  void grow_small(std::size_t wanted);
  void give_back() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace reachback::core
