#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>
#include <string_view>

namespace reachback::fuzz {

/// Boost.JSON's opinion of a text, as far as it can be compared with ours: of surrogate escapes that stand
/// alone and of numbers that fit no double ours is another one on purpose; and it reads 0e999 as NaN,
/// which equals nothing.
struct BoostOpinion {
  bool comparable = true;
  bool too_deep = false;
  std::optional<boost::json::value> value;  ///< nothing: no JSON, or not comparable
};

[[nodiscard]] inline bool has_nan(boost::json::value const& value) {
  if (auto const* const object = value.if_object())
    return std::ranges::any_of(*object, [](auto const& member) { return has_nan(member.value()); });
  if (auto const* const array = value.if_array()) return std::ranges::any_of(*array, has_nan);
  auto const* const number = value.if_double();
  return number != nullptr && std::isnan(*number);
}

/// `max_depth` counts the containers that are open at once.
[[nodiscard]] inline BoostOpinion boost_opinion(std::string_view text, std::size_t max_depth) {
  namespace json = boost::json;
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = max_depth;
  options.allow_invalid_utf8 = true;
  BoostOpinion opinion;
  auto value = json::parse(text, error, {}, options);
  if (!error) {
    opinion.comparable = !has_nan(value);
    if (opinion.comparable) opinion.value = std::move(value);
  } else {
    opinion.too_deep = error == json::error::too_deep;
    bool const has_surrogate = text.find("\\ud") != text.npos || text.find("\\uD") != text.npos;
    opinion.comparable = error != json::error::exponent_overflow && !has_surrogate;
  }
  return opinion;
}

}  // namespace reachback::fuzz
