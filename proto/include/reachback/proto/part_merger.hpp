#pragma once

#include <string>
#include <string_view>

namespace reachback::proto {

/// What stands before and after the base64 of the merged `data` of a multi-part answer in the form
/// `application/json` (http-api.md, "Calls"). `first_part` is the whole text of the part with `partId` 1,
/// valid JSON. Its keys stay as they are and in their order, without `compressed`, `multipart`, `data` and
/// doubles (the last of equal keys counts); `numParts` and `partId` are 1, `hash` is `fileHash` and
/// `dataSize` is `fileSize` (left out where the file's is absent). The head ends with `"data":"`.
[[nodiscard]] std::string merged_head(std::string_view first_part);
inline constexpr std::string_view merged_tail = "\"}";

}  // namespace reachback::proto
