// A connection's way out: messages are queued, taken back, framed in pieces, given to the kernel and
// acknowledged, as the script has it. What leaves is what was queued, in order; the bound holds; and how far
// a message got is never told as less than it did.
#include "core/outbox.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/send_log.hpp"
#include "input.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using namespace core;
using proto::Delivery;

constexpr std::size_t limit = 2000;

class Play {
 public:
  explicit Play(std::string_view input) : script_(input) {}

  void run() {
    while (!script_.empty()) {
      switch (script_.number(0, 5)) {
        case 0:
        case 1:
          push();
          break;
        case 2:
          revoke();
          break;
        case 3:
          frame();
          break;
        case 4:
          given_ = std::min<std::uint64_t>(framed_, given_ + script_.number(0, 2000));
          log_.given(given_);
          break;
        default:
          acknowledged_ = std::min<std::uint64_t>(given_, acknowledged_ + script_.number(0, 2000));
          log_.acknowledged(acknowledged_);
      }
      check();
    }
    while (!outbox_.empty()) frame();
    expect(outbox_.bytes() == 0, "an empty outbox holds nothing");
  }

 private:
  struct Message {
    std::string text;
    std::size_t framed = 0;
    std::uint64_t begin = 0, end = 0;  ///< in the stream
  };

  void push() {
    OutMessage message;
    message.head = std::string(script_.number(0, 20), 'h');
    std::string const body(script_.number(0, 800), static_cast<char>(script_.number('a', 'z')));
    message.body_from = std::min<std::size_t>(script_.number(0, 3), body.size());
    message.body = Buffer(body);
    std::size_t const size = message.head.size() + body.size() - message.body_from;
    bool const fits = waiting_.empty() || charged() + std::max(size, Outbox::min_charge) <= limit;
    expect(outbox_.fits(size) == fits, "the bound is what it says");
    if (!fits) return;
    Message const model{message.head + body.substr(message.body_from)};
    auto const number = outbox_.push(std::move(message));
    expect(waiting_.empty() || waiting_.rbegin()->first < number, "numbers rise");
    waiting_.emplace(number, model);
  }

  void revoke() {
    if (waiting_.empty())
      return expect(!outbox_.revoke(MessageNumber{script_.number(1, 99)}), "what has gone stays gone");
    auto const at =
        std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(script_.number(0, 99) % waiting_.size()));
    bool const untouched = at->second.framed == 0 && !begun_.contains(at->first);
    expect(outbox_.untouched(at->first) == untouched, "it is known what has been touched");
    expect(outbox_.revoke(at->first) == untouched, "only what is untouched is taken back");
    if (untouched) waiting_.erase(at);
  }

  void frame() {
    auto const piece = outbox_.next_fragment(script_.number(1, 300));
    expect(piece.has_value() == !waiting_.empty(), "there is a piece while there is a message");
    if (!piece) return;
    auto const front = waiting_.begin();
    Message& message = front->second;
    auto const text = std::string(piece->head).append(piece->body);
    expect(piece->number == front->first && piece->first == (message.framed == 0), "pieces come in order");
    expect(message.text.compare(message.framed, text.size(), text) == 0, "a piece is of its message");
    message.framed += text.size();
    bool const last = piece->position == FramePosition::last;
    expect(last == (message.framed == message.text.size()), "the last piece is the last");
    if (begun_.emplace(front->first).second) message.begin = framed_;
    message.end = framed_ + text.size() + 2;
    log_.framed(piece->number, framed_, message.end);
    framed_ = message.end;
    outbox_.pop_fragment(*piece);
    if (!last) return;
    log_.completed(front->first);
    sent_.insert(waiting_.extract(front));
  }

  [[nodiscard]] std::size_t charged() const {
    std::size_t sum = 0;
    for (auto const& [number, message] : waiting_) sum += std::max(message.text.size(), Outbox::min_charge);
    return sum;
  }

  void check() const {
    std::size_t bytes = 0;
    for (auto const& [number, message] : waiting_) {
      bytes += message.text.size();
      if (!begun_.contains(number))
        expect(log_.delivery(number, true) == Delivery::not_sent, "what waits is not sent");
    }
    expect(outbox_.bytes() == bytes && outbox_.empty() == waiting_.empty(), "the bytes are counted");
    for (auto const& [number, message] : sent_) {
      auto const told = log_.delivery(number, false);
      if (message.begin < given_)
        expect(told != Delivery::not_sent, "what the kernel has is not called not-sent");
      if (told == Delivery::sent)
        expect(message.end <= acknowledged_, "what is called sent was acknowledged");
      if (message.begin >= given_) expect(told == Delivery::not_sent, "what nobody has is called not-sent");
    }
  }

  Input script_;
  Outbox outbox_{limit};
  SendLog log_;
  std::map<MessageNumber, Message> waiting_, sent_;
  std::set<MessageNumber> begun_;
  std::uint64_t framed_ = 0, given_ = 0, acknowledged_ = 0;
};

void run(std::string_view input) { Play(input.substr(0, 600)).run(); }

Registration const registration("outbox", run);

}  // namespace
}  // namespace reachback::fuzz
