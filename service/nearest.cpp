#include "nearest.hpp"

#include <algorithm>
#include <numeric>

namespace reachback::service {

namespace {

constexpr std::size_t most_slips = 3;

/// How many letters have to be put in, taken out or changed (Levenshtein).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      std::size_t const changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_hint(std::string_view word, std::vector<std::string> const& names) {
  // Of a short word more than half would be another word.
  std::size_t best = std::min(most_slips, word.size() / 2) + 1;
  std::string hint;
  for (auto const& name : names) {
    std::size_t const slips = distance(word, name);
    if (slips >= best) continue;
    best = slips;
    hint = "; is it " + name + '?';
  }
  return hint;
}

}  // namespace reachback::service
