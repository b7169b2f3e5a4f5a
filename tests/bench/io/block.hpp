#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace reachback::bench {

/// Bytes that are too many to copy, or that several outputs share.
class Block {
 public:
  explicit Block(std::size_t capacity)
      : data_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  void set_size(std::size_t size) { size_ = size; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

/// Owners: whoever fills it and each output that sends it. A single-threaded program counts without atomics.
using BlockPtr = std::shared_ptr<Block>;

/// Keeps the blocks that nobody uses any more: a fresh one of 13 MiB costs 3,400 page faults.
class BlockPool {
 public:
  [[nodiscard]] BlockPtr take(std::size_t size) {
    for (auto& block : blocks_) {
      if (block.use_count() == 1 && block->capacity() >= size) return block;
    }
    auto block = std::make_shared<Block>(size);
    if (blocks_.size() < kept) blocks_.push_back(block);
    return block;
  }

 private:
  static constexpr std::size_t kept = 8;
  std::vector<BlockPtr> blocks_;
};

}  // namespace reachback::bench
