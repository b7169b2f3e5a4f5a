#pragma once

#include "core/buffer.hpp"
#include "core/outbox.hpp"

namespace reachback::wire {

/// Appends a server's data frame (RFC 6455, 5.2), which is not masked. By hand, since Beast takes three times
/// as long for a small one.
void append_frame(core::Buffer& out, core::Fragment const& fragment);

}  // namespace reachback::wire
