#include "wire/data_frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reachback::wire {
namespace {

enum Opcode : unsigned { continuation = 0, text = 1, binary = 2 };

unsigned first_byte(core::Fragment const& fragment) {
  unsigned const opcode = !fragment.first                              ? continuation
                          : fragment.kind == core::MessageKind::binary ? binary
                                                                       : text;
  return opcode | (fragment.position == core::FramePosition::last ? 0x80 : 0);
}

class Header {
 public:
  Header(unsigned first, std::uint64_t length) {
    push(first);
    int const bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
    push(bytes == 0 ? static_cast<unsigned>(length) : bytes == 2 ? 126 : 127);
    for (int i = bytes - 1; i >= 0; --i) push(static_cast<unsigned>(length >> (8 * i) & 0xff));
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  void push(unsigned byte) { bytes_[size_++] = static_cast<char>(byte); }

  std::size_t size_ = 0;
  std::array<char, 10> bytes_;
};

}  // namespace

void append_frame(core::Buffer& out, core::Fragment const& fragment) {
  std::size_t const length = fragment.head.size() + fragment.body.size();
  Header const header(first_byte(fragment), length);
  out.reserve(out.size() + header.view().size() + length);
  out.append(header.view());
  out.append(fragment.head);
  out.append(fragment.body);
}

}  // namespace reachback::wire
