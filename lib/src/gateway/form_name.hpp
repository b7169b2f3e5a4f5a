#pragma once

#include <cstdint>

namespace reachback::gateway {

/// The forms in which a caller can have an answer (http-api.md, "Calls").
enum class FormName : std::uint8_t { json, ndjson, octet_stream };

}  // namespace reachback::gateway
