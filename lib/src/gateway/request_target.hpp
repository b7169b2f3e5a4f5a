#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reachback::gateway {

/// A request target (RFC 9112, 3.2), taken apart and decoded.
struct RequestTarget {
  std::string path;                   ///< as sent, without the query
  std::vector<std::string> segments;  ///< of the path, percent-decoded; none for the asterisk form
  std::vector<std::pair<std::string, std::string>> query;

  /// The last parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

/// Reads the origin form, the absolute form and `*`. Nothing for the authority form, for a fragment and for
/// broken percent-encoding.
[[nodiscard]] std::optional<RequestTarget> read_target(std::string_view target);

/// `application/x-www-form-urlencoded`, also the syntax of a query.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> read_form(
    std::string_view text);

}  // namespace reachback::gateway
