#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reachback::core {

/// What can be too many, too much or too late, each named by its setting.
enum class Bound : std::uint8_t {
  connection_limit,
  connection_reserve,
  address_connection_limit,
  endpoint_connection_limit,
  handshake_rate,
  event_stream_limit,
  head_limit,
  request_limit,
  body_budget,
  message_limit,
  receive_budget,
  part_limit,
  call_limit,
  connection_call_limit,
  call_budget,
  total_part_budget,
  outbox_limit,
  total_outbox_budget,
  subscriber_limit,
  login_limit,
  login_pause,
  head_timeout,
  body_timeout,
  write_timeout,
  idle_timeout,
  silence_timeout,
  close_timeout,
  count,
};

/// As the setting is called: `head-limit`.
[[nodiscard]] std::string_view to_string(Bound bound);

/// How often each bound was overstepped, and so something refused or ended: plain counters of one shard,
/// added up at the scrape.
class Refusals {
 public:
  static constexpr auto bounds = static_cast<std::size_t>(Bound::count);

  void count(Bound bound) { ++counts_[static_cast<std::size_t>(bound)]; }
  [[nodiscard]] std::uint64_t of(Bound bound) const { return counts_[static_cast<std::size_t>(bound)]; }
  void add(Refusals const& other) {
    for (std::size_t i = 0; i < bounds; ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, bounds> counts_{};
};

}  // namespace reachback::core
