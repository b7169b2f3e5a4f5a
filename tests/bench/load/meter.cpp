#include "bench/load/meter.hpp"

#include <algorithm>
#include <stdexcept>

namespace reachback::bench {
namespace {

constexpr std::chrono::seconds patience{20};
constexpr std::size_t warm_up_share = 10;
constexpr int turn_ms = 50;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void Meter::ended(Clock::time_point began, std::size_t operations) {
  all_ += operations;
  last_ended_ = Clock::now();
  if (phase_ != Phase::measured) return;
  operations_ += operations;
  latencies_.add(last_ended_ - began);
}

void Meter::run(Loop& loop, std::function<void()> const& after_turn) {
  phase_began_ = last_ended_ = Clock::now();
  while (phase_ != Phase::over) {
    loop.turn(turn_ms);
    after_turn();
    step();
  }
}

void Meter::step() {
  auto const now = Clock::now();
  if (now - last_ended_ > patience) throw std::runtime_error("nothing was answered for a long time");
  bool const counted = options_.calls != 0;
  if (phase_ == Phase::warm_up) {
    bool const warm = counted ? all_ >= std::max<std::size_t>(1, options_.calls / warm_up_share)
                              : all_ > 0 && seconds(now - phase_began_) >= options_.warm_up;
    if (warm) begin();
  } else {
    bool const enough = counted ? operations_ >= options_.calls
                                : operations_ > 0 && seconds(now - phase_began_) >= options_.seconds;
    if (enough) finish();
  }
}

void Meter::begin() {
  phase_ = Phase::measured;
  before_ = ServerUsage::of(options_.pid);
  phase_began_ = Clock::now();
}

void Meter::finish() {
  phase_ = Phase::over;
  finished_ = Clock::now();
  after_ = ServerUsage::of(options_.pid);
}

void Meter::add_to(Report& report) {
  auto const count = static_cast<double>(operations_);
  double const time = seconds(finished_ - phase_began_);
  report.add("operations", count);
  report.add("with_warm_up", static_cast<double>(all_));
  report.add("seconds", time);
  report.add("per_second", count / time);
  report.add("cpu_us", static_cast<double>(after_.cpu_ns - before_.cpu_ns) / 1000 / count);
  report.add("user_us", (after_.user_s - before_.user_s) * 1e6 / count);
  report.add("system_us", (after_.system_s - before_.system_s) * 1e6 / count);
  report.add("p50_us", latencies_.microseconds(0.5));
  report.add("p99_us", latencies_.microseconds(0.99));
  report.add("p999_us", latencies_.microseconds(0.999));
  report.add("rss_kib", static_cast<double>(after_.rss_kib));
  report.add("hwm_kib", static_cast<double>(after_.hwm_kib));
}

}  // namespace reachback::bench
