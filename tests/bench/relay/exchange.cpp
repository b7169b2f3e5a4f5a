#include "bench/relay/exchange.hpp"

#include <cstring>
#include <memory>
#include <string>

#include "bench/io/frames.hpp"
#include "bench/relay/subscriber_side.hpp"

namespace reachback::bench {

RelayCallId Exchange::begin_call(CallerSide& caller, int descriptor) {
  auto const index = static_cast<std::size_t>(descriptor);
  if (index >= waiting_.size()) waiting_.resize(index + 1);
  RelayCallId const id = ++calls_ << descriptor_bits | index;
  waiting_[index] = {id, &caller};
  return id;
}

CallerSide* Exchange::find(RelayCallId id) const {
  auto const index = place(id);
  return index < waiting_.size() && waiting_[index].id == id ? waiting_[index].caller : nullptr;
}

void Exchange::end_call(RelayCallId id) {
  if (find(id) != nullptr) waiting_[place(id)] = {};
}

std::size_t Exchange::broadcast(std::string_view text) {
  std::string head;
  append_frame_head(head, Opcode::text, text.size());
  auto const frame = std::make_shared<Block>(head.size() + text.size());
  std::memcpy(frame->data(), head.data(), head.size());
  std::memcpy(frame->data() + head.size(), text.data(), text.size());
  frame->set_size(frame->capacity());
  for (auto* const subscriber : subscribers_) subscriber->output().append(frame);
  return subscribers_.size();
}

}  // namespace reachback::bench
