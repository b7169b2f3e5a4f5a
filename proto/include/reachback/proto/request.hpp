#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "reachback/proto/ids.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::proto {

/// A caller's message, checked once, ready to get its `callId`. The message itself stays where it is.
struct CheckedRequest {
  std::size_t members_at = 0;  ///< offset of the first byte after `{`
  bool empty = false;          ///< the object has no member, so that no comma follows the spliced key
  std::string description;     ///< what `describe_request` says, of a body over `longest_undescribed`
};

/// A body up to this is quickly described when that is needed, from a copy.
inline constexpr std::size_t longest_undescribed = 4096;

/// What is wrong with a caller's message, as a sentence for the caller (the problem is always `bad-message`).
struct RequestFault {
  std::string detail;
};

/// Checks that `body` is UTF-8 and one JSON object without a top-level `callId` of its own.
[[nodiscard]] boost::system::result<CheckedRequest, RequestFault> check_request(std::string_view body);

/// The same for a body that comes bit by bit, so that no turn of a shard has to read all of it.
class RequestChecker {
 public:
  /// The body as far as it has come: what was there before, which may have moved meanwhile, and more.
  void grow(std::string_view body);
  /// The whole body. Once.
  [[nodiscard]] boost::system::result<CheckedRequest, RequestFault> complete(std::string_view body);

 private:
  enum class Describe : bool { no, yes };
  void read_members(Describe describe);
  void find_brace(std::string_view body);

  ObjectScanner scanner_;
  Utf8Checker utf8_;
  std::size_t searched_ = 0;    ///< for the opening brace
  std::size_t members_at_ = 0;  ///< 0: not found yet
  bool empty_ = true;
  bool has_call_id_ = false;
  std::string description_;
};

/// What stands before `body.substr(checked.members_at)` in the frame to the service: `{"callId":N,` and no
/// DOM.
[[nodiscard]] std::string splice_head(CheckedRequest const& checked, CallId id);
/// The same for a service that speaks `reachback.v1`: `{"callId":N,"timeoutMs":M,`, the time until each part.
/// A caller's own `timeoutMs` stands behind it and so counts instead, for the service.
[[nodiscard]] std::string splice_head(CheckedRequest const& checked, CallId id,
                                      std::chrono::milliseconds timeout);

/// How a time-out names a request: `cmd`, `class` and `attribute` and other short values, without `data`,
/// `args`, `kwargs` and long strings, cut at 500 bytes (the seed's trimDictBytes). `body` has been checked.
[[nodiscard]] std::string describe_request(std::string_view body);

}  // namespace reachback::proto
