#include "bench/load/report.hpp"

#include <array>
#include <cstdio>

namespace reachback::bench {

void Report::add(std::string_view name, double value) {
  begin(name);
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.10g", value);
  fields_ += digits.data();
}

void Report::add(std::string_view name, std::string_view value) {
  begin(name);
  fields_.append("\"").append(value).append("\"");
}

void Report::begin(std::string_view name) {
  if (!fields_.empty()) fields_ += ", ";
  fields_.append("\"").append(name).append("\": ");
}

}  // namespace reachback::bench
