#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>
#include <vector>

namespace reachback::fuzz {

/// What one target does with one input. It ends the process when a property does not hold.
using Run = void (*)(std::string_view input);

struct Target {
  std::string_view name;
  Run run;
};

/// Those that are linked into this program: one into a fuzzer, all into the replay.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

/// Each target's file has one, at namespace scope.
struct Registration {
  Registration(std::string_view name, Run run) { targets().push_back({name, run}); }
};

/// A property: what libFuzzer and the replay count as a finding when it does not hold. No assert, for that
/// depends on the build.
inline void expect(bool holds, char const* property,
                   std::source_location const& where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold: %s\n", where.file_name(), static_cast<unsigned>(where.line()),
               property);
  std::abort();
}

}  // namespace reachback::fuzz
