#include "health.hpp"

#include <fmt/core.h>

#include <cstdio>

#include "options.hpp"

namespace reachback::service {

int health(ProbeConfig const& config) {
  auto const result = probe(config);
  if (result.status == 200) return 0;
  auto const text =
      result.status == 0 ? result.error : fmt::format("{} answers {}", config.path, result.status);
  fmt::print(stderr, "reachback: {}\n", one_line(text));
  return 1;
}

}  // namespace reachback::service
