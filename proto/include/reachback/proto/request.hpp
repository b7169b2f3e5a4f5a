#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "reachback/proto/ids.hpp"

namespace reachback::proto {

/// A caller's message, checked once, ready to get its `callId`. The message itself stays where it is.
struct CheckedRequest {
  std::size_t members_at = 0;  ///< offset of the first byte after `{`
  bool empty = false;          ///< the object has no member, so that no comma follows the spliced key
};

/// What is wrong with a caller's message, as a sentence for the caller (the problem is always `bad-message`).
struct RequestFault {
  std::string detail;
};

/// Checks that `body` is UTF-8 and one JSON object without a top-level `callId` of its own.
[[nodiscard]] boost::system::result<CheckedRequest, RequestFault> check_request(std::string_view body);

/// What stands before `body.substr(checked.members_at)` in the frame to the service: `{"callId":N,` and no
/// DOM.
[[nodiscard]] std::string splice_head(CheckedRequest const& checked, CallId id);

/// How a time-out names a request: `cmd`, `class` and `attribute` and other short values, without `data`,
/// `args`, `kwargs` and long strings, cut at 500 bytes (the seed's trimDictBytes). `body` has been checked.
[[nodiscard]] std::string describe_request(std::string_view body);

}  // namespace reachback::proto
