#pragma once

#include "bench/io/loop.hpp"
#include "bench/load/options.hpp"
#include "bench/load/report.hpp"

namespace reachback::bench {

// Each runs one scenario against the server and reports; a wrong answer throws std::runtime_error.

/// Small calls, each with a nonce, while others are pending or connected.
void run_calls(Loop& loop, Options const& options, Report& report);
/// Large answers.
void run_parts(Loop& loop, Options const& options, Report& report);
/// WebSockets that only stay: what each costs in memory.
void run_idle(Loop& loop, Options const& options, Report& report);
/// Messages to many subscribers.
void run_broadcast(Loop& loop, Options const& options, Report& report);
/// One endless answer, with small calls beside it at a steady rate.
void run_stream(Loop& loop, Options const& options, Report& report);
/// What the payload of `run_parts` costs by the libraries alone, in this process: base64, inflate, MD5.
void run_libraries(Options const& options, Report& report);

}  // namespace reachback::bench
