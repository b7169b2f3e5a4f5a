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
#include "bench/load/small_request.hpp"
#include "bench/load/socket_io_service.hpp"

namespace reachback::bench {
namespace {

/// Asks one call after the other and checks each answer.
class SmallCaller final : public Caller {
 public:
  SmallCaller(Loop& loop, Options const& options, NonceSource& nonces, Meter& meter)
      : Caller(loop, connect_to(options.port)), request_(options, "wsData", nonces), meter_(meter) {
    ask();
  }

 protected:
  void on_body(std::string_view bytes) override { body_.append(bytes); }

  void on_answered() override {
    request_.check(body_);
    body_.clear();
    meter_.ended(began_);
    ask();
  }

 private:
  void ask() {
    began_ = Clock::now();
    output().append(request_.next());
  }

  SmallRequest request_;
  Meter& meter_;
  Clock::time_point began_{};
  std::string body_;
};

/// Asks one call, which is never answered.
class PendingCaller final : public Caller {
 public:
  PendingCaller(Loop& loop, Options const& options) : Caller(loop, connect_to(options.port)) {
    output().append(call_text(options, "wsData", hold, "nnnnnnnn"));
  }

 protected:
  void on_body(std::string_view bytes) override {
    throw std::runtime_error("a call that nobody answers was answered " + std::string(bytes));
  }
  void on_answered() override {}
};

std::unique_ptr<Service> make_service(Loop& loop, Options const& options) {
  if (options.socket_io) return std::make_unique<SocketIoService>(loop, options);
  return std::make_unique<Service>(loop, options);
}

}  // namespace

void run_calls(Loop& loop, Options const& options, Report& report) {
  // The service joins last: the newest connection is asked.
  Crowd const others(loop, options, options.idle_endpoint, options.idle);
  auto owned = make_service(loop, options);
  auto& service = *owned;
  loop.adopt(std::move(owned));
  turn_until(loop, [&] { return service.joined(); }, "the service does not join");
  turn_until(loop, [&] { return service.held() == options.held; }, "the server's own calls do not come");
  for (std::size_t i = 1; i <= options.pending; ++i) {
    loop.adopt(std::make_unique<PendingCaller>(loop, options));
    if (i % 100 == 0 || i == options.pending) {
      turn_until(loop, [&] { return service.held() == options.held + i; }, "a pending call does not come");
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
