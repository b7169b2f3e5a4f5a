#pragma once

#include <optional>
#include <string_view>

namespace reachback::wire {

/// Whether the text is what a Host field may say: `uri-host [ ":" port ]` (RFC 9110, 7.2). The empty text is.
[[nodiscard]] bool is_authority(std::string_view text);

/// A request target in absolute form (RFC 9112, 3.2.2), taken apart.
struct AbsoluteForm {
  std::string_view authority;
  std::string_view path_and_query;  ///< as sent; it may be empty or begin with `?`
};

/// Nothing for the other forms, for schemes that are not of HTTP, and for an authority without a host or with
/// a user (RFC 9110, 4.2).
[[nodiscard]] std::optional<AbsoluteForm> read_absolute_form(std::string_view target);

}  // namespace reachback::wire
