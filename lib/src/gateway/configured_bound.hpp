#pragma once

#include "core/bound.hpp"
#include "reachback/config.hpp"

namespace reachback::gateway {

/// What a bound is set to, in pieces, bytes or seconds; infinity where 0 stands for no limit.
[[nodiscard]] double configured(core::Bound bound, Config const& config);

}  // namespace reachback::gateway
