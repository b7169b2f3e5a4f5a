#include "bench/load/steady_calls.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "bench/io/sockets.hpp"
#include "bench/load/caller.hpp"
#include "bench/load/small_request.hpp"

namespace reachback::bench {
namespace {

constexpr std::chrono::seconds patience{60};
/// How long the loop may sleep when it is told nothing: what is waited for may be no matter of this thread.
constexpr std::chrono::milliseconds longest_sleep{20};
/// Far more than a second's calls; who is that slow is told so.
constexpr std::size_t most_waiting = 5000;

}  // namespace

/// A connection that carries one call at a time.
class SteadyCalls::OneCaller final : public Caller {
 public:
  explicit OneCaller(SteadyCalls& calls)
      : Caller(calls.loop_, connect_to(calls.options_.port)),
        calls_(calls),
        request_(calls.options_, calls.endpoint_, calls.nonces_) {}

  void ask(Clock::time_point due) {
    due_ = due;
    output().append(request_.next());
  }

 protected:
  void on_body(std::string_view bytes) override { body_.append(bytes); }
  void on_answered() override {
    request_.check(body_);
    body_.clear();
    calls_.result_->latencies.add(Clock::now() - due_);
    --calls_.waiting_;
    calls_.free_.push_back(this);
  }

 private:
  SteadyCalls& calls_;
  SmallRequest request_;
  Clock::time_point due_{};
  std::string body_;
};

SteadyCalls::SteadyCalls(Loop& loop, Options const& options, std::string endpoint)
    : loop_(loop), options_(options), endpoint_(std::move(endpoint)) {
  options_.size = NonceSource::letters;
}

SteadyCalls::Result SteadyCalls::run(std::function<bool()> const& over) {
  Result result;
  result_ = &result;
  next_ = Clock::now();
  bool asking = true;
  auto last_asked = next_;
  while (asking || waiting_ > 0) {
    auto const now = Clock::now();
    asking = asking && !over();
    if (asking) {
      ask_what_is_due(now);
      last_asked = now;
    } else if (now - last_asked > patience) {
      throw std::runtime_error("small calls are not answered");
    }
    loop_.turn_within(asking ? std::min<std::chrono::nanoseconds>(next_ - Clock::now(), longest_sleep)
                             : longest_sleep);
  }
  result_ = nullptr;
  return result;
}

void SteadyCalls::ask_what_is_due(Clock::time_point now) {
  auto const interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / options_.rate));
  for (; next_ <= now; next_ += interval) {
    if (waiting_ >= most_waiting) throw std::runtime_error("thousands of small calls wait without answer");
    result_->lateness.add(Clock::now() - next_);
    free_caller().ask(next_);
    ++waiting_;
  }
}

SteadyCalls::OneCaller& SteadyCalls::free_caller() {
  if (free_.empty()) {
    auto caller = std::make_unique<OneCaller>(*this);
    free_.push_back(caller.get());
    loop_.adopt(std::move(caller));
  }
  auto& caller = *free_.front();
  free_.pop_front();
  return caller;
}

}  // namespace reachback::bench
