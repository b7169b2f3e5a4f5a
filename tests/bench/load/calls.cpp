#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/io/sockets.hpp"
#include "bench/load/caller.hpp"
#include "bench/load/crowd.hpp"
#include "bench/load/meter.hpp"
#include "bench/load/nonce.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/service.hpp"

namespace reachback::bench {
namespace {

constexpr std::string_view path = "/v1/endpoints/wsData/requests?timeout=600";
constexpr std::string_view json = "application/json";

std::string call_text(Options const& options, std::string_view attribute, std::string_view nonce) {
  return post(options, path, json, json, request_text(attribute, nonce));
}

/// Asks one call after the other and checks each answer to the last byte of its nonce.
class SmallCaller final : public Caller {
 public:
  SmallCaller(Loop& loop, Options const& options, NonceSource& nonces, Meter& meter)
      : Caller(loop, connect_to(options.port)),
        request_(call_text(options, echo, std::string(options.size, 'n'))),
        nonce_at_(request_.find(request_head(echo)) + request_head(echo).size()),
        nonce_size_(options.size),
        nonces_(nonces),
        meter_(meter) {
    ask();
  }

 protected:
  void on_body(std::string_view bytes) override { body_.append(bytes); }

  void on_answered() override {
    constexpr std::string_view begin = R"({"cmd":"rpc",)", data = R"("data":")", end = "\"}";
    std::string_view const body = body_;
    auto const tail = data.size() + nonce_size_ + end.size();
    bool const right = body.size() > begin.size() + tail && body.starts_with(begin) && body.ends_with(end) &&
                       body.substr(body.size() - tail).starts_with(data) &&
                       body.substr(body.size() - nonce_size_ - end.size(), nonce_size_) == nonce();
    if (!right) throw std::runtime_error("the nonce " + std::string(nonce()) + " was answered " + body_);
    body_.clear();
    meter_.ended(began_);
    ask();
  }

 private:
  void ask() {
    nonces_.write_next({request_.data() + nonce_at_, nonce_size_});
    began_ = Clock::now();
    output().append(request_);
  }
  [[nodiscard]] std::string_view nonce() const {
    return std::string_view(request_).substr(nonce_at_, nonce_size_);
  }

  std::string request_;
  std::size_t nonce_at_, nonce_size_;
  NonceSource& nonces_;
  Meter& meter_;
  Clock::time_point began_{};
  std::string body_;
};

/// Asks one call, which is never answered.
class PendingCaller final : public Caller {
 public:
  PendingCaller(Loop& loop, Options const& options) : Caller(loop, connect_to(options.port)) {
    output().append(call_text(options, hold, "nnnnnnnn"));
  }

 protected:
  void on_body(std::string_view bytes) override {
    throw std::runtime_error("a call that nobody answers was answered " + std::string(bytes));
  }
  void on_answered() override {}
};

}  // namespace

void run_calls(Loop& loop, Options const& options, Report& report) {
  if (options.size < NonceSource::letters || options.size % 4 != 0) {
    throw std::invalid_argument("--size of calls is a multiple of 4, at least 8");
  }
  // The service joins last: the newest connection is asked.
  Crowd const others(loop, options, options.idle_endpoint, options.idle);
  auto owned = std::make_unique<Service>(loop, options);
  auto& service = *owned;
  loop.adopt(std::move(owned));
  turn_until(loop, [&] { return service.joined(); }, "the service does not join");
  for (std::size_t i = 1; i <= options.pending; ++i) {
    loop.adopt(std::make_unique<PendingCaller>(loop, options));
    if (i % 100 == 0 || i == options.pending) {
      turn_until(loop, [&] { return service.held() == i; }, "a pending call does not come");
    }
  }
  NonceSource nonces;
  Meter meter(options);
  for (std::size_t i = 0; i < options.concurrency; ++i) {
    loop.adopt(std::make_unique<SmallCaller>(loop, options, nonces, meter));
  }
  meter.run(loop);
  meter.add_to(report);
}

}  // namespace reachback::bench
