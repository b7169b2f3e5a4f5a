#include "core/buffer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace reachback::core {
namespace {

constexpr std::size_t page = 2 * 1024 * 1024;

std::size_t whole_pages(std::size_t size) { return (size + page - 1) / page * page; }

struct Block {
  char* data = nullptr;
  std::size_t size = 0;
};

/// One block that a thread keeps for its next big message, because the kernel clears each page that it gives.
class Spare {
 public:
  Spare() = default;
  ~Spare() { unmap(block_); }
  Spare(Spare const&) = delete;
  Spare& operator=(Spare const&) = delete;

  /// Empty when there is none of at least `size`.
  [[nodiscard]] Block take(std::size_t size) {
    return block_.size >= size ? std::exchange(block_, {}) : Block{};
  }
  /// Keeps the larger one of two, within bounds.
  void give(Block block) {
    if (block.size <= most && block.size > block_.size) std::swap(block, block_);
    unmap(block);
  }

 private:
  /// A part of a service's answer with its base64, as all services of the protocol cut them.
  static constexpr std::size_t most = 16 * 1024 * 1024;

  static void unmap(Block block) {
    if (block.data != nullptr) ::munmap(block.data, block.size);
  }

  Block block_;
};

thread_local Spare spare;

/// A message of 64 MiB is then given back in microseconds instead of milliseconds, and costs a fraction of
/// the page faults. Smaller ones would waste too much of their last page.
constexpr std::size_t huge_from = 8 * 1024 * 1024;

void ask_for_huge_pages(void* block, std::size_t size) {
  if (size >= huge_from) ::madvise(block, size, MADV_HUGEPAGE);
}

Block map(std::size_t size) {
  if (auto const kept = spare.take(size); kept.data != nullptr) return kept;
  void* const block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  ask_for_huge_pages(block, size);
  return {static_cast<char*>(block), size};
}

}  // namespace

void Buffer::grow_to(std::size_t wanted) {
  if (wanted < mapped_from) return grow_small(wanted);
  std::size_t const target = whole_pages(std::max(wanted, capacity_ + capacity_ / 2));
  if (capacity_ < mapped_from) {
    auto const block = map(target);
    if (size_ != 0) std::memcpy(block.data, data_, size_);
    std::free(data_);
    data_ = block.data;
    capacity_ = block.size;
  } else {
    void* const moved = ::mremap(data_, capacity_, target, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    ask_for_huge_pages(moved, target);
    data_ = static_cast<char*>(moved);
    capacity_ = target;
  }
}

void Buffer::grow_small(std::size_t wanted) {
  std::size_t const target = std::min(std::max(wanted, capacity_ + capacity_ / 2), mapped_from - 1);
  auto* const grown = static_cast<char*>(std::realloc(data_, target));
  if (grown == nullptr) throw std::bad_alloc();
  data_ = grown;
  capacity_ = target;
}

void Buffer::give_back() noexcept {
  if (capacity_ < mapped_from) {
    std::free(data_);
  } else {
    spare.give({data_, capacity_});
  }
}

}  // namespace reachback::core
