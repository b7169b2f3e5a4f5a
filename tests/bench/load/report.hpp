#pragma once

#include <string>
#include <string_view>

namespace reachback::bench {

/// One JSON object of names and values, in the order of their adding.
class Report {
 public:
  void add(std::string_view name, double value);
  void add(std::string_view name, std::string_view value);
  [[nodiscard]] std::string text() const { return "{" + fields_ + "}"; }

 private:
  void begin(std::string_view name);
  std::string fields_;
};

}  // namespace reachback::bench
