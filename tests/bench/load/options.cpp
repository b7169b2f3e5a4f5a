#include "bench/load/options.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>

namespace reachback::bench {
namespace {

constexpr char const* usage = R"(usage: bench_load [OPTION VALUE]...

Callers and services in one process, against a server on this machine. Prints one JSON object; exit code 1 when an
answer was wrong.

  --port N            the server's port [8888]
  --pid N             the server's process, whose cost is measured
  --token TOKEN       [test]
  --scenario NAME     calls, parts, idle, broadcast, stream or libraries [calls]
  --concurrency N     callers [1]; subscribers of idle and broadcast
  --size N            bytes of a call's nonce or of a message [8], MiB of the payload of parts and stream
  --seconds S         how long is measured, after a warm-up [1]
  --warm-up S         [0.2]
  --calls N           how many calls are measured instead
  --form FORM         of parts and stream: json, ndjson or octet-stream [ndjson]
  --compressed yes    parts come compressed
  --pending N         calls that stay without answer while others are measured [0]
  --socket-io yes     the service of calls speaks socket.io, to a namespace /wsData
  --held N            as many calls that the server makes itself stay without answer too [0]
  --idle N            WebSockets that only stay meanwhile [0]
  --idle-endpoint E   where those are [wsUser]
  --rate N            small calls per second beside a stream [1000]
  --read-mib R        MiB of payload that a stream's caller takes per second [all that comes]
  --send-mib R        MiB of payload that its service sends per second, part by part [all that is taken]
  --credits yes       a stream's service speaks reachback.v1
  --may-sleep yes     the load gives its processor back whenever nothing is there, and has to be woken
  --same-connection yes   the stream's connection to the service carries the small calls too
)";

Form form_named(std::string const& name) {
  if (name == "json") return Form::json;
  if (name == "ndjson") return Form::lines;
  if (name == "octet-stream") return Form::octets;
  throw std::invalid_argument("there is no form " + name);
}

}  // namespace

Options read_options(int argc, char** argv) {
  Options options;
  std::map<std::string, std::function<void(std::string const&)>> const known{
      {"--port", [&](auto const& value) { options.port = static_cast<std::uint16_t>(std::stoul(value)); }},
      {"--pid", [&](auto const& value) { options.pid = std::stoi(value); }},
      {"--token", [&](auto const& value) { options.token = value; }},
      {"--scenario", [&](auto const& value) { options.scenario = value; }},
      {"--concurrency", [&](auto const& value) { options.concurrency = std::stoul(value); }},
      {"--size", [&](auto const& value) { options.size = std::stoul(value); }},
      {"--seconds", [&](auto const& value) { options.seconds = std::stod(value); }},
      {"--warm-up", [&](auto const& value) { options.warm_up = std::stod(value); }},
      {"--calls", [&](auto const& value) { options.calls = std::stoul(value); }},
      {"--form", [&](auto const& value) { options.form = form_named(value); }},
      {"--compressed", [&](auto const& value) { options.compressed = value == "yes"; }},
      {"--pending", [&](auto const& value) { options.pending = std::stoul(value); }},
      {"--socket-io", [&](auto const& value) { options.socket_io = value == "yes"; }},
      {"--held", [&](auto const& value) { options.held = std::stoul(value); }},
      {"--idle", [&](auto const& value) { options.idle = std::stoul(value); }},
      {"--idle-endpoint", [&](auto const& value) { options.idle_endpoint = value; }},
      {"--rate", [&](auto const& value) { options.rate = std::stod(value); }},
      {"--read-mib", [&](auto const& value) { options.read_mib = std::stod(value); }},
      {"--send-mib", [&](auto const& value) { options.send_mib = std::stod(value); }},
      {"--credits", [&](auto const& value) { options.credits = value == "yes"; }},
      {"--may-sleep", [&](auto const& value) { options.may_sleep = value == "yes"; }},
      {"--same-connection", [&](auto const& value) { options.same_connection = value == "yes"; }},
  };
  for (int i = 1; i < argc; i += 2) {
    std::string const name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    auto const option = known.find(name);
    if (option == known.end()) throw std::invalid_argument("there is no option " + name);
    if (i + 1 == argc) throw std::invalid_argument(name + " needs a value");
    try {
      option->second(argv[i + 1]);
    } catch (std::logic_error const&) {
      throw std::invalid_argument(name + " cannot be " + argv[i + 1]);
    }
  }
  if (options.concurrency == 0 || options.size == 0 || options.rate <= 0)
    throw std::invalid_argument("0 makes no sense there");
  return options;
}

}  // namespace reachback::bench
