#include <cstddef>
#include <cstdint>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  reachback::fuzz::targets().front().run({reinterpret_cast<char const*>(data), size});
  return 0;
}
