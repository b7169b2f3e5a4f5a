#include "gateway/field_text.hpp"

#include <algorithm>

namespace reachback::gateway {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> list_elements(wire::HttpFields const& fields, std::string_view name) {
  std::vector<std::string_view> elements;
  for (std::string_view line : fields.all(name)) {
    for (auto comma = line.find(','); comma != std::string_view::npos; comma = line.find(',')) {
      elements.push_back(trim(line.substr(0, comma)));
      line.remove_prefix(comma + 1);
    }
    elements.push_back(trim(line));
  }
  return elements;
}

}  // namespace reachback::gateway
