#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace reachback::fuzz {

/// Boost.JSON's opinion of a text, as far as it can be compared with ours: of surrogate escapes that stand
/// alone and of numbers that fit no double ours is another one on purpose; and 0e999 is no number for it.
struct BoostOpinion {
  bool comparable = true;
  bool too_deep = false;
  std::optional<boost::json::value> value;  ///< nothing: it is no JSON
};

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
    opinion.comparable = json::serialize(value).find("NaN") == std::string::npos;
    if (opinion.comparable) opinion.value = std::move(value);
  } else {
    opinion.too_deep = error == json::error::too_deep;
    bool const has_surrogate = text.find("\\ud") != text.npos || text.find("\\uD") != text.npos;
    opinion.comparable = error != json::error::exponent_overflow && !has_surrogate;
  }
  return opinion;
}

}  // namespace reachback::fuzz
