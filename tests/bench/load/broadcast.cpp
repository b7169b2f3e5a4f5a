#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/load/crowd.hpp"
#include "bench/load/meter.hpp"
#include "bench/load/nonce.hpp"
#include "bench/load/poster.hpp"
#include "bench/load/scenarios.hpp"

namespace reachback::bench {
namespace {

/// Posts one message after the other; the next when the last is with all subscribers.
class Broadcast {
 public:
  Broadcast(Loop& loop, Options const& options, Meter& meter)
      : crowd_(loop, options, "wsUser", options.concurrency),
        size_(options.concurrency),
        message_(std::max(options.size, NonceSource::letters), 'm'),
        meter_(meter) {
    crowd_.on_message([this](std::string_view text) { delivered(text); });
    auto owned = std::make_unique<Poster>(loop, options);
    poster_ = owned.get();
    loop.adopt(std::move(owned));
    expected_answer_ = R"({"delivered":)" + std::to_string(size_) + "}";
    next();
  }

  /// To be called after each turn: the answer to a post may come after its deliveries.
  void step() {
    if (deliveries_ < size_ || !poster_->answered()) return;
    if (!poster_->answer().starts_with(expected_answer_))
      throw std::runtime_error("posted, answered " + poster_->answer());
    meter_.ended(began_, size_);
    next();
  }

 private:
  void next() {
    nonces_.write_next(message_);
    deliveries_ = 0;
    began_ = Clock::now();
    poster_->send(message_);
  }
  void delivered(std::string_view text) {
    if (text != message_) throw std::runtime_error("a subscriber got another message");
    if (++deliveries_ > size_) throw std::runtime_error("a message was delivered twice");
  }

  Crowd crowd_;
  std::size_t size_;
  std::string message_;
  Meter& meter_;
  NonceSource nonces_;
  Poster* poster_ = nullptr;
  std::string expected_answer_;
  std::size_t deliveries_ = 0;
  Clock::time_point began_{};
};

}  // namespace

void run_broadcast(Loop& loop, Options const& options, Report& report) {
  if (options.size > 60'000) throw std::invalid_argument("a broadcast's --size is at most 60000: one frame");
  Meter meter(options);
  Broadcast broadcast(loop, options, meter);
  meter.run(loop, [&] { broadcast.step(); });
  meter.add_to(report);
}

}  // namespace reachback::bench
