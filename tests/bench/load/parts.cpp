#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/io/sockets.hpp"
#include "bench/load/caller.hpp"
#include "bench/load/crowd.hpp"
#include "bench/load/expected_answer.hpp"
#include "bench/load/large_answer.hpp"
#include "bench/load/meter.hpp"
#include "bench/load/nonce.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/service.hpp"

namespace reachback::bench {
namespace {

/// Different payloads, so that one in the place of another is noticed.
constexpr unsigned payloads = 2;
constexpr std::size_t mib = 1 << 20;

class PartsCaller final : public Caller {
 public:
  PartsCaller(Loop& loop, Options const& options, std::vector<ExpectedAnswer> expected, NonceSource& nonces,
              Meter& meter)
      : Caller(loop, connect_to(options.port)),
        request_(post(options, "/v1/endpoints/wsData/requests", "application/json", accept_of(options.form),
                      request_text(parts, std::string(NonceSource::letters, 'n')))),
        nonce_at_(request_.find(request_head(parts)) + request_head(parts).size()),
        expected_(std::move(expected)),
        nonces_(nonces),
        meter_(meter) {
    ask();
  }

 protected:
  void on_body(std::string_view bytes) override { now_->take(bytes); }
  void on_answered() override {
    now_->finish();
    meter_.ended(began_);
    ask();
  }

 private:
  void ask() {
    std::span<char> const nonce{request_.data() + nonce_at_, NonceSource::letters};
    nonces_.write_next(nonce);
    std::string_view const text{nonce.data(), nonce.size()};
    now_ = &expected_[Service::choose(text, expected_.size())];
    now_->begin(text);
    began_ = Clock::now();
    output().append(request_);
  }

  std::string request_;
  std::size_t nonce_at_;
  std::vector<ExpectedAnswer> expected_;
  ExpectedAnswer* now_ = nullptr;
  NonceSource& nonces_;
  Meter& meter_;
  Clock::time_point began_{};
};

}  // namespace

void run_parts(Loop& loop, Options const& options, Report& report) {
  std::vector<LargeAnswer> large;
  large.reserve(payloads);
  std::deque<std::string> merged;
  std::vector<ExpectedAnswer> expected;
  for (unsigned i = 0; i < payloads; ++i) large.emplace_back(options.size * mib, options.compressed, i);
  for (auto const& answer : large) {
    if (options.form == Form::json && answer.parts().size() > 1) merged.push_back(answer.merged_tail());
    expected.push_back(expect(answer, options.form, merged.empty() ? std::string_view() : merged.back()));
  }
  auto owned = std::make_unique<Service>(loop, options, large);
  auto& service = *owned;
  loop.adopt(std::move(owned));
  turn_until(loop, [&] { return service.joined(); }, "the service does not join");
  NonceSource nonces;
  Meter meter(options);
  for (std::size_t i = 0; i < options.concurrency; ++i) {
    loop.adopt(std::make_unique<PartsCaller>(loop, options, expected, nonces, meter));
  }
  meter.run(loop);
  meter.add_to(report);
}

}  // namespace reachback::bench
