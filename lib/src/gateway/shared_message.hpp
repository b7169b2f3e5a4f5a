#pragma once

#include <memory>
#include <string>

#include "core/budget.hpp"

namespace reachback::gateway {

/// A message for many outboxes: one copy of its bytes, and one share of the budget, held until the last
/// outbox has sent it. Null when the budget is used up.
[[nodiscard]] inline std::shared_ptr<std::string const> share_message(std::string text,
                                                                      core::Budget& budget) {
  struct Shared {
    std::string text;
    core::Permit permit;
  };
  auto permit = budget.acquire(text.size());
  if (!permit) return nullptr;
  auto const shared = std::make_shared<Shared>(Shared{std::move(text), std::move(*permit)});
  return {shared, &shared->text};
}

}  // namespace reachback::gateway
