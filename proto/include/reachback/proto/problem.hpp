#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "reachback/proto/ids.hpp"

namespace reachback::proto {

/// Every way in which the gateway refuses or ends something, with the names of http-api.md's table
/// (`bad_message` is `bad-message` on the wire).
enum class Problem : std::uint8_t {
  bad_message,
  bad_parameter,
  unauthorized,
  forbidden,
  no_endpoint,
  no_connection,
  not_found,
  method_not_allowed,
  not_acceptable,
  unsupported_media_type,
  wrong_kind,
  too_large,
  too_slow,
  head_too_large,
  uri_too_long,
  expectation_failed,
  bad_request,
  upgrade_required,
  too_many_calls,
  too_many_connections,
  service_closed,
  bad_answer,
  service_error,
  slow_caller,
  no_service,
  service_busy,
  overloaded,
  draining,
  disabled,
  timed_out,
  internal,
};

/// How far the frame of a failed call got. Only `not_sent` is safe to repeat.
enum class Delivery : std::uint8_t { not_sent, sent, unknown };

[[nodiscard]] std::string_view name_of(Problem problem);
[[nodiscard]] std::string_view title_of(Problem problem);
/// A paragraph for the page at `/problems/NAME`: when it happens and what to do.
[[nodiscard]] std::string_view explanation_of(Problem problem);
[[nodiscard]] int http_status_of(Problem problem);
[[nodiscard]] std::string_view to_string(Delivery delivery);
[[nodiscard]] std::span<Problem const> all_problems();
[[nodiscard]] std::optional<Problem> problem_by_name(std::string_view name);

/// An RFC 9457 document.
struct ProblemDocument {
  Problem problem = Problem::internal;
  std::string detail;
  std::string endpoint;  ///< left out when empty
  std::optional<CallId> call_id;
  std::optional<Delivery> delivery;
  std::string
      service_message;  ///< for `service_error`: the service's message, valid JSON, put in as `message`
};

[[nodiscard]] std::string to_json(ProblemDocument const& document);

/// The seed's error message: `{"cmd":CMD,"status":STATUS,"error":TEXT}`, with `callId` where one is given.
[[nodiscard]] std::string error_message(std::string_view cmd, int status, std::string_view error,
                                        std::optional<CallId> call_id = std::nullopt);

/// Status and text with which a call whose connection closed ends for users of the seed's API.
inline constexpr int closed_status = 499;
inline constexpr std::string_view closed_text = "Client closed connection";

/// The seed's text for "no connection": `SubjectService` for wsSubject, else `DataService`.
[[nodiscard]] std::string no_service_text(std::string_view endpoint);

}  // namespace reachback::proto
