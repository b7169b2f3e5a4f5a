#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/budget.hpp"
#include "core/outbox.hpp"

namespace reachback::gateway {

/// A message for many outboxes: its bytes once, and one share of the budget, held until the last outbox has
/// sent it. Nothing when the budget is used up. `Bytes` is a string or a buffer.
template <class Bytes>
[[nodiscard]] std::optional<core::SharedBytes> share_message(Bytes bytes, core::Budget& budget) {
  struct Shared {
    Bytes bytes;
    core::Permit permit;
  };
  auto permit = budget.acquire(std::max(bytes.size(), core::Outbox::min_charge));
  if (!permit) return std::nullopt;
  auto shared = std::make_shared<Shared const>(Shared{std::move(bytes), std::move(*permit)});
  std::string_view const view(shared->bytes.data(), shared->bytes.size());
  return core::SharedBytes{std::move(shared), view};
}

}  // namespace reachback::gateway
