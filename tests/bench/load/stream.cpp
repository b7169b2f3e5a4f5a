#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/load/bulk_caller.hpp"
#include "bench/load/bulk_service.hpp"
#include "bench/load/crowd.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/server_usage.hpp"
#include "bench/load/steady_calls.hpp"
#include "bench/load/worker.hpp"

namespace reachback::bench {
namespace {

constexpr std::chrono::milliseconds warm_up{500};
/// How often a caller that is slow looks whether it may read again.
constexpr int pace_ms = 5;
/// What measures goes first, where we may say so. The bulk's service can wait; its caller cannot: it would be
/// a slow one.
constexpr int measuring = -10, giving_way = 10, pressing = 0;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// The bulk service in a thread of its own.
struct ServiceThread {
  ServiceThread(Options const& options, BulkAnswer const& answer)
      : worker(giving_way, [this, &options, &answer](std::stop_token const& stop) {
          Loop loop;
          auto owned = std::make_unique<BulkService>(loop, options, answer);
          auto& service = *owned;
          loop.adopt(std::move(owned));
          turn_until(loop, [&] { return service.joined(); }, "the service does not join");
          joined = true;
          while (!stop.stop_requested()) {
            auto const next = service.step();
            auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
            loop.turn(static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 50)));
          }
          pings = service.pings();
        }) {}

  void await_joined() {
    while (!joined && !worker.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!joined) worker.finish();
  }

  std::atomic<bool> joined = false;
  std::vector<BulkService::Ping> pings;  ///< once the worker has finished
  Worker worker;
};

void take_bulk(Options const& options, BulkAnswer const& answer, std::stop_token const& stop) {
  Loop loop;
  auto owned = std::make_unique<BulkCaller>(loop, options, answer);
  auto& caller = *owned;
  loop.adopt(std::move(owned));
  while (!caller.ended() && !stop.stop_requested()) {
    loop.turn(pace_ms);
    caller.read_on();
  }
}

/// The longest of the pings that were due in that time; one without pong counts until its end.
double longest_ping_ms(std::vector<BulkService::Ping> const& pings, Clock::time_point from,
                       Clock::time_point to) {
  double longest = 0;
  for (auto const& ping : pings) {
    if (ping.due < from || ping.due >= to) continue;
    longest = std::max(longest, 1000 * seconds(ping.answered.value_or(to) - ping.due));
  }
  return longest;
}

void add(Report& report, std::string const& when, SteadyCalls::Result& result) {
  report.add(when + "_calls", static_cast<double>(result.latencies.count()));
  report.add(when + "_p50_us", result.latencies.microseconds(0.5));
  report.add(when + "_p99_us", result.latencies.microseconds(0.99));
  report.add(when + "_p999_us", result.latencies.microseconds(0.999));
  report.add(when + "_late_p99_us", result.lateness.microseconds(0.99));
}

}  // namespace

void run_stream(Loop& loop, Options const& options, Report& report) {
  if (options.form == Form::json) throw std::invalid_argument("--form of stream is ndjson or octet-stream");
  BulkAnswer const answer(options.size, options.compressed);
  be_nice(measuring);
  ServiceThread service(options, answer);
  service.await_joined();
  std::string const endpoint = options.same_connection ? "wsData" : "wsSubject";
  if (!options.same_connection) {
    auto owned = std::make_unique<Service>(loop, options, endpoint);
    auto& small = *owned;
    loop.adopt(std::move(owned));
    turn_until(loop, [&] { return small.joined(); }, "the service does not join");
  }
  SteadyCalls calls(loop, options, endpoint);
  auto const until = [&](Clock::time_point end) {
    return [&, end] { return Clock::now() >= end || service.worker.ended(); };
  };
  calls.run(until(Clock::now() + warm_up));
  auto const alone_began = Clock::now();
  auto alone = calls.run(until(alone_began + std::chrono::duration_cast<Clock::duration>(
                                                 std::chrono::duration<double>(options.seconds))));

  auto const before = ServerUsage::of(options.pid);
  auto const bulk_began = Clock::now();
  Worker bulk(pressing, [&](std::stop_token const& stop) { take_bulk(options, answer, stop); });
  auto beside = calls.run([&] { return bulk.ended() || service.worker.ended(); });
  auto const bulk_ended = Clock::now();
  auto const after = ServerUsage::of(options.pid);
  service.worker.finish();
  bulk.finish();

  auto const payload = static_cast<double>(answer.parts() * (LargeAnswer::part_size >> 20));
  double const took = seconds(bulk_ended - bulk_began);
  report.add("payload_mib", payload);
  report.add("seconds", took);
  report.add("mib_per_second", payload / took);
  report.add("cpu_ms_per_mib", static_cast<double>(after.cpu_ns - before.cpu_ns) / 1e6 / payload);
  add(report, "alone", alone);
  add(report, "beside", beside);
  report.add("alone_ping_ms", longest_ping_ms(service.pings, alone_began, bulk_began));
  report.add("beside_ping_ms", longest_ping_ms(service.pings, bulk_began, bulk_ended));
  report.add("rss_kib_before", static_cast<double>(before.rss_kib));
  report.add("hwm_kib", static_cast<double>(after.hwm_kib));
}

}  // namespace reachback::bench
