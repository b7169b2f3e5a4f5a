#include "gateway/configured_bound.hpp"

#include <chrono>
#include <limits>

namespace reachback::gateway {
namespace {

double number(std::size_t limit) { return static_cast<double>(limit); }

double or_infinity(std::size_t limit) {
  return limit == 0 ? std::numeric_limits<double>::infinity() : number(limit);
}

double seconds(Config::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

double configured(core::Bound bound, Config const& config) {
  using core::Bound;
  auto const& limits = config.limits;
  auto const& timeouts = config.timeouts;
  switch (bound) {
    case Bound::connection_limit:
      return number(limits.connections);
    case Bound::connection_reserve:
      return number(limits.connection_reserve);
    case Bound::address_connection_limit:
      return or_infinity(limits.address_connections);
    case Bound::endpoint_connection_limit:
      return or_infinity(limits.endpoint_connections);
    case Bound::handshake_rate:
      return or_infinity(limits.handshake_rate);
    case Bound::event_stream_limit:
      return number(limits.event_streams);
    case Bound::head_limit:
      return number(limits.head);
    case Bound::request_limit:
      return number(limits.request);
    case Bound::body_budget:
      return number(limits.body_budget);
    case Bound::message_limit:
      return number(limits.message);
    case Bound::receive_budget:
      return number(limits.receive_budget);
    case Bound::part_limit:
      return number(limits.part);
    case Bound::call_limit:
      return number(limits.calls);
    case Bound::connection_call_limit:
      return or_infinity(limits.connection_calls);
    case Bound::call_budget:
      return number(limits.call_budget);
    case Bound::total_part_budget:
      return number(limits.parts_budget);
    case Bound::outbox_limit:
      return number(limits.outbox);
    case Bound::total_outbox_budget:
      return number(limits.outboxes_budget);
    case Bound::subscriber_limit:
      return number(limits.subscriber);
    case Bound::login_limit:
      return number(limits.logins);
    case Bound::login_pause:
      return seconds(timeouts.login_pause);
    case Bound::head_timeout:
      return seconds(timeouts.head);
    case Bound::body_timeout:
      return seconds(timeouts.body);
    case Bound::write_timeout:
      return seconds(timeouts.write);
    case Bound::idle_timeout:
      return seconds(timeouts.idle);
    case Bound::silence_timeout:
      return seconds(timeouts.silence);
    case Bound::close_timeout:
      return seconds(timeouts.close);
    case Bound::count:
      break;
  }
  return 0;
}

}  // namespace reachback::gateway
