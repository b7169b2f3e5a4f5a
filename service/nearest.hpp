#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reachback::service {

/// "; is it NAME?" with the name that `word` is a slip of, or nothing when none is near.
[[nodiscard]] std::string nearest_hint(std::string_view word, std::vector<std::string> const& names);

}  // namespace reachback::service
