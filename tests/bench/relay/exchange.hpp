#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/io/block.hpp"

namespace reachback::bench {

class CallerSide;
class ServiceSide;
class SubscriberSide;

using RelayCallId = std::uint64_t;

/// Who is connected to the relay, and which call waits where. A caller has one call at a time, so that the
/// descriptor of its connection, which a callId carries in its low bits, finds it.
class Exchange {
 public:
  [[nodiscard]] RelayCallId begin_call(CallerSide& caller, int descriptor);
  /// The caller whose call this is, if it still waits.
  [[nodiscard]] CallerSide* find(RelayCallId id) const;
  void end_call(RelayCallId id);

  void join(ServiceSide& service) { services_.push_back(&service); }
  void leave(ServiceSide& service) { std::erase(services_, &service); }
  /// The one that joined last, or null.
  [[nodiscard]] ServiceSide* service() const { return services_.empty() ? nullptr : services_.back(); }

  void join(SubscriberSide& subscriber) { subscribers_.push_back(&subscriber); }
  void leave(SubscriberSide& subscriber) { std::erase(subscribers_, &subscriber); }
  /// Sends one frame to all; returns to how many.
  std::size_t broadcast(std::string_view text);

 private:
  struct Waiting {
    RelayCallId id = 0;
    CallerSide* caller = nullptr;
  };
  static constexpr unsigned descriptor_bits = 20;
  static std::size_t place(RelayCallId id) { return id & ((1U << descriptor_bits) - 1); }

  std::vector<Waiting> waiting_;  ///< by descriptor
  RelayCallId calls_ = 0;
  std::vector<ServiceSide*> services_;
  std::vector<SubscriberSide*> subscribers_;
};

}  // namespace reachback::bench
