#include "core/buffer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace reachback::core {
namespace {

constexpr std::size_t page = 2 * 1024 * 1024;

std::size_t whole_pages(std::size_t size) { return (size + page - 1) / page * page; }

// Huge pages: a message of 64 MiB is given back in microseconds instead of milliseconds, and costs a fraction
// of the page faults.
char* map(std::size_t size) {
  void* const block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  ::madvise(block, size, MADV_HUGEPAGE);
  return static_cast<char*>(block);
}

}  // namespace

void Buffer::grow_to(std::size_t wanted) {
  if (wanted < mapped_from) return grow_small(wanted);
  std::size_t const target = whole_pages(std::max(wanted, capacity_ + capacity_ / 2));
  if (capacity_ < mapped_from) {
    char* const block = map(target);
    if (size_ != 0) std::memcpy(block, data_, size_);
    std::free(data_);
    data_ = block;
  } else {
    void* const moved = ::mremap(data_, capacity_, target, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(moved);
  }
  capacity_ = target;
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
    ::munmap(data_, capacity_);
  }
}

}  // namespace reachback::core
