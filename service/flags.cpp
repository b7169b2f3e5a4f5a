#include "flags.hpp"

#include <fmt/format.h>

namespace reachback::service {

namespace {

using Duration = Config::Duration;

enum class Unit { bytes, things };

struct LimitFlag {
  char const* flag;
  std::size_t Config::Limits::* setting;
  Unit unit;
  std::uint64_t least;
  char const* help;
};

struct TimeoutFlag {
  char const* flag;
  Duration Config::Timeouts::* setting;
  Duration least;
  Duration most;
  char const* help;
};

using Limits = Config::Limits;
using Timeouts = Config::Timeouts;

constexpr std::array limit_flags = {
    LimitFlag{"--connection-limit", &Limits::connections, Unit::things, 0,
              "Open connections; 0: the limit of open files less 256"},
    LimitFlag{"--connection-reserve", &Limits::connection_reserve, Unit::things, 0,
              "Connections beyond the limit, answered for probes only"},
    LimitFlag{"--message-limit", &Limits::message, Unit::bytes, 1,
              "Size of a message received from a WebSocket"},
    LimitFlag{"--request-limit", &Limits::request, Unit::bytes, 1, "Size of the body of an HTTP request"},
    LimitFlag{"--head-limit", &Limits::head, Unit::bytes, 64, "Size of the head of an HTTP request"},
    LimitFlag{"--part-limit", &Limits::part, Unit::bytes, 1, "Size of one part of an answer, inflated"},
    LimitFlag{"--call-limit", &Limits::calls, Unit::things, 1, "Pending calls per endpoint"},
    LimitFlag{"--call-budget", &Limits::call_budget, Unit::bytes, 1,
              "Parts that the caller of one call has not read yet"},
    LimitFlag{"--total-part-budget", &Limits::parts_budget, Unit::bytes, 1, "The same, all calls together"},
    LimitFlag{"--outbox-limit", &Limits::outbox, Unit::bytes, 1,
              "Messages waiting to be sent to one WebSocket"},
    LimitFlag{"--total-outbox-budget", &Limits::outboxes_budget, Unit::bytes, 1,
              "The same, all WebSockets together"},
    LimitFlag{"--receive-budget", &Limits::receive_budget, Unit::bytes, 1,
              "WebSocket messages being received, all together"},
    LimitFlag{"--body-budget", &Limits::body_budget, Unit::bytes, 1,
              "HTTP bodies being received, all together"},
    LimitFlag{"--subscriber-limit", &Limits::subscriber, Unit::bytes, 1,
              "Events that one subscriber has not read yet"},
};

constexpr Duration instant{0};
constexpr Duration moment{1};  // the least that the settings can tell from nothing
constexpr Duration hour = std::chrono::hours(1);
constexpr Duration day = std::chrono::hours(24);

constexpr std::array timeout_flags = {
    TimeoutFlag{"--call-timeout", &Timeouts::call, moment, hour,
                "Until each part of an answer, unless the caller says otherwise"},
    TimeoutFlag{"--head-timeout", &Timeouts::head, moment, day, "For the head of an HTTP request to arrive"},
    TimeoutFlag{"--body-timeout", &Timeouts::body, moment, day, "For any progress of the body of a request"},
    TimeoutFlag{"--write-timeout", &Timeouts::write, moment, day, "For any progress of what is being sent"},
    TimeoutFlag{"--idle-timeout", &Timeouts::idle, moment, day, "Between two requests on one connection"},
    TimeoutFlag{"--ping-interval", &Timeouts::ping, moment, day, "Between two pings of a connection"},
    TimeoutFlag{"--silence-timeout", &Timeouts::silence, moment, day,
                "A connection from which no byte comes for so long is closed"},
    TimeoutFlag{"--close-timeout", &Timeouts::close, moment, day,
                "For a peer to answer the closing of its connection"},
    TimeoutFlag{"--drain-wait", &Timeouts::drain_wait, instant, day,
                "From SIGTERM until new calls are refused; 0 s with --test"},
    TimeoutFlag{"--drain-grace", &Timeouts::drain_grace, instant, day,
                "For pending calls to end at shutdown"},
};

void add_limit_flag(CLI::App& serve, Limits& limits, LimitFlag const& row) {
  std::size_t& setting = limits.*row.setting;
  if (row.unit == Unit::things) {
    constexpr std::uint64_t most = 1'000'000'000;
    auto const read = [&row](std::string_view text) { return read_number(text, row.least, most); };
    add_flag(serve, row.flag, "N", setting, read, fmt::format("{} [{}]", row.help, setting));
    return;
  }
  auto const read = [&row](std::string_view text) { return read_bytes(text, row.least); };
  add_flag(serve, row.flag, "BYTES", setting, read, fmt::format("{} [{}]", row.help, bytes_text(setting)));
}

void add_timeout_flag(CLI::App& serve, Timeouts& timeouts, TimeoutFlag const& row) {
  Duration& setting = timeouts.*row.setting;
  auto const read = [&row](std::string_view text) { return read_seconds(text, row.least, row.most); };
  add_flag(serve, row.flag, "SECONDS", setting, read,
           fmt::format("{} [{}]", row.help, seconds_text(setting)));
}

}  // namespace

CLI::ValidationError nonsense(std::string const& flag, std::string const& complaint) {
  return CLI::ValidationError(flag + ' ' + complaint);
}

void add_limit_flags(CLI::App& serve, Config::Limits& limits) {
  for (LimitFlag const& row : limit_flags) add_limit_flag(serve, limits, row);
}

void add_timeout_flags(CLI::App& serve, Config::Timeouts& timeouts) {
  for (TimeoutFlag const& row : timeout_flags) add_timeout_flag(serve, timeouts, row);
}

}  // namespace reachback::service
