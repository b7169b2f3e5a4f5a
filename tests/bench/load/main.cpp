// The load of the bench: callers and services in one thread, so that they disturb the server least; only the
// bulk of `stream` has threads of its own, so that it doesn't hold up what is measured beside it.

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "bench/io/loop.hpp"
#include "bench/io/sockets.hpp"
#include "bench/load/scenarios.hpp"

namespace {

using namespace reachback::bench;

void run(Options const& options, Report& report) {
  Loop loop;
  // The load stands for other machines: waking it, and above all a virtual processor that has gone to sleep,
  // must not be among what the server's calls cost.
  if (!options.may_sleep) loop.stay_awake(std::chrono::milliseconds(1));
  if (options.scenario == "calls") return run_calls(loop, options, report);
  if (options.scenario == "parts") return run_parts(loop, options, report);
  if (options.scenario == "idle") return run_idle(loop, options, report);
  if (options.scenario == "broadcast") return run_broadcast(loop, options, report);
  if (options.scenario == "stream") return run_stream(loop, options, report);
  if (options.scenario == "libraries") return run_libraries(options, report);
  throw std::invalid_argument("there is no scenario " + options.scenario);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto const options = read_options(argc, argv);
    raise_file_limit();
    Report report;
    report.add("scenario", options.scenario);
    run(options, report);
    std::printf("%s\n", report.text().c_str());
    return 0;
  } catch (std::invalid_argument const& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 2;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}
