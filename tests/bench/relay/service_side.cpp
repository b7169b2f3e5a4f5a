#include "bench/relay/service_side.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "bench/relay/caller_side.hpp"
#include "bench/relay/top_level.hpp"

namespace reachback::bench {
namespace {

/// A message above this is not copied.
constexpr std::size_t big = 64 * 1024;
/// As much is read at once as stays in the cache until it is unmasked.
constexpr std::size_t stride = 256 * 1024;

}  // namespace

void ServiceSide::ask(RelayCallId id, std::string_view object) {
  std::array<char, 32> splice{};
  constexpr std::string_view key = R"({"callId":)";
  auto* end = std::copy(key.begin(), key.end(), splice.data());
  end = std::to_chars(end, splice.data() + splice.size(), id).ptr;
  *end++ = ',';
  std::string_view const first{splice.data(), static_cast<std::size_t>(end - splice.data())};
  auto const rest = object.substr(1);
  auto& text = output().text();
  append_frame_head(text, Opcode::text, first.size() + rest.size());
  text.append(first).append(rest);
}

std::size_t ServiceSide::on_input(std::span<char> bytes) {
  std::size_t done = 0;
  while (true) {
    auto const left = bytes.subspan(done);
    auto const head = read_frame_head({left.data(), left.size()});
    if (!head) return done;
    if (left.size() - head->size < head->payload) {
      if (head->payload < big) return done;
      begin_big(*head, left.subspan(head->size));
      return bytes.size();
    }
    take(*head, left.subspan(head->size, head->payload));
    done += head->size + head->payload;
  }
}

void ServiceSide::take(FrameHead const& head, std::span<char> payload) {
  apply_mask(payload, head.key);
  std::string_view const text{payload.data(), payload.size()};
  switch (head.opcode) {
    case Opcode::text:
    case Opcode::binary:
      return pass_on(text, nullptr);
    case Opcode::ping:
      append_frame_head(output().text(), Opcode::pong, text.size());
      output().append(text);
      return;
    case Opcode::close:
      return close();
    case Opcode::pong:
      return;
  }
}

void ServiceSide::pass_on(std::string_view text, BlockPtr block) {
  auto const id = number_at_top(text, R"("callId":)");
  if (!id) return;
  if (auto* const caller = exchange_.find(*id)) caller->answer(text, std::move(block));
}

void ServiceSide::begin_big(FrameHead const& head, std::span<char> payload_so_far) {
  big_ = pool_.take(head.payload);
  big_->set_size(head.payload);
  big_head_ = head;
  came_ = payload_so_far.size();
  std::memcpy(big_->data(), payload_so_far.data(), came_);
  apply_mask({big_->data(), came_}, head.key);
}

std::span<char> ServiceSide::direct() {
  if (!big_) return {};
  return {big_->data() + came_, std::min(stride, big_head_.payload - came_)};
}

void ServiceSide::on_direct(std::size_t count) {
  apply_mask({big_->data() + came_, count}, big_head_.key, came_);
  came_ += count;
  if (came_ < big_head_.payload) return;
  auto block = std::exchange(big_, nullptr);
  auto const text = block->view();
  pass_on(text, std::move(block));
}

}  // namespace reachback::bench
