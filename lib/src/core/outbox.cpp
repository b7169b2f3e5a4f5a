#include "core/outbox.hpp"

#include <utility>

namespace reachback::core {

namespace {

std::string_view bytes_of(Buffer const& body) { return body.view(); }
std::string_view bytes_of(SharedBytes const& body) { return body.bytes; }

}  // namespace

std::string_view OutMessage::body_view() const {
  auto const whole = std::visit([](auto const& owner) { return bytes_of(owner); }, body);
  return whole.substr(body_from);
}

MessageNumber Outbox::push(OutMessage&& message) {
  MessageNumber const number{++last_};
  std::size_t const size = message.size();
  messages_.try_emplace(messages_.end(), number, size, std::move(message));
  bytes_ += size;
  charged_ += charge(size);
  return number;
}

std::optional<Fragment> Outbox::next_fragment(std::size_t max) const {
  if (messages_.empty()) return std::nullopt;
  auto const& [number, entry] = *messages_.begin();
  std::string_view const head = entry.message.head;
  std::size_t const head_done = std::min(framed_, head.size());

  Fragment piece{.number = number, .kind = entry.message.kind, .first = framed_ == 0};
  piece.head = head.substr(head_done, max);
  piece.body = entry.message.body_view().substr(framed_ - head_done, max - piece.head.size());
  bool const rest = framed_ + piece.head.size() + piece.body.size() < entry.size;
  auto const* const shared = std::get_if<SharedBytes>(&entry.message.body);
  if (shared != nullptr && piece.first && !rest && piece.body.size() == shared->bytes.size()) {
    piece.frame = head.empty() ? shared->frame : std::string_view();
  }
  piece.position = rest ? FramePosition::more_follow : FramePosition::last;
  return piece;
}

void Outbox::pop_fragment(Fragment const& fragment) {
  framed_ += fragment.head.size() + fragment.body.size();
  if (fragment.position == FramePosition::more_follow) return;
  framed_ = 0;
  erase(messages_.begin());
}

bool Outbox::revoke(MessageNumber number) {
  auto const found = messages_.find(number);
  if (found == messages_.end() || touched(found)) return false;
  erase(found);
  return true;
}

bool Outbox::untouched(MessageNumber number) const {
  auto const found = messages_.find(number);
  return found != messages_.end() && !touched(found);
}

void Outbox::erase(Messages::const_iterator message) {
  bytes_ -= message->second.size;
  charged_ -= charge(message->second.size);
  messages_.erase(message);
}

}  // namespace reachback::core
