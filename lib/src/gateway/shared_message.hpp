#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "core/budget.hpp"
#include "core/outbox.hpp"
#include "net/websocket_connection.hpp"
#include "wire/data_frame.hpp"

namespace reachback::gateway {

/// A message for many outboxes: its bytes once, in one frame for all when they fit into one, and one share of
/// the budget, held until the last outbox has sent it. Nothing when the budget is used up.
[[nodiscard]] inline std::optional<core::SharedBytes> share_message(core::Buffer bytes,
                                                                    core::MessageKind kind,
                                                                    core::Budget& budget) {
  struct Shared {
    core::Buffer bytes;
    core::Permit permit;
  };
  auto permit = budget.acquire(std::max(bytes.size(), core::Outbox::min_charge));
  if (!permit) return std::nullopt;
  core::SharedBytes message;
  std::size_t const size = bytes.size();
  bool const one_frame = size <= net::WebSocketConnection::fragment_size;
  if (one_frame) {
    core::Buffer frame;
    wire::append_frame(frame, {.kind = kind, .body = bytes.view()});
    bytes = std::move(frame);
  }
  auto shared = std::make_shared<Shared const>(Shared{std::move(bytes), std::move(*permit)});
  std::string_view const all = shared->bytes.view();
  message.owner = std::move(shared);
  message.bytes = all.substr(all.size() - size);
  if (one_frame) message.frame = all;
  return message;
}

}  // namespace reachback::gateway
