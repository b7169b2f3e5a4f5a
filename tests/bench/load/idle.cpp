#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "bench/load/crowd.hpp"
#include "bench/load/meter.hpp"
#include "bench/load/poster.hpp"
#include "bench/load/scenarios.hpp"

namespace reachback::bench {
namespace {

constexpr std::chrono::milliseconds settling{500};
/// The first ones warm the server up: what it allocates once is no connection's.
constexpr std::size_t warming = 10;

void rest(Loop& loop) {
  auto const until = Clock::now() + settling;
  while (Clock::now() < until) loop.turn(10);
}

/// All that joined receive a message.
void check_all_live(Loop& loop, Options const& options, Crowd& first, Crowd& others) {
  std::size_t received = 0;
  auto const count = [&](std::string_view) { ++received; };
  first.on_message(count);
  others.on_message(count);
  auto owned = std::make_unique<Poster>(loop, options);
  auto& poster = *owned;
  loop.adopt(std::move(owned));
  poster.send("still there?");
  turn_until(
      loop, [&] { return poster.answered() && received == warming + options.concurrency; },
      "a connection is gone");
}

}  // namespace

void run_idle(Loop& loop, Options const& options, Report& report) {
  Crowd first(loop, options, "wsUser", warming);
  rest(loop);
  auto const before = ServerUsage::of(options.pid);
  Crowd crowd(loop, options, "wsUser", options.concurrency);
  rest(loop);
  auto const after = ServerUsage::of(options.pid);
  rest(loop);
  auto const later = ServerUsage::of(options.pid);
  check_all_live(loop, options, first, crowd);
  auto const count = static_cast<double>(options.concurrency);
  report.add("operations", count);
  report.add("bytes_per_connection",
             1024 * (static_cast<double>(after.rss_kib) - static_cast<double>(before.rss_kib)) / count);
  report.add("cpu_us", static_cast<double>(after.cpu_ns - before.cpu_ns) / 1000 / count);
  report.add("idle_cpu_ms_per_s", static_cast<double>(later.cpu_ns - after.cpu_ns) / 1e6 /
                                      std::chrono::duration<double>(settling).count());
  report.add("rss_kib", static_cast<double>(after.rss_kib));
  report.add("hwm_kib", static_cast<double>(after.hwm_kib));
}

}  // namespace reachback::bench
