#include "bench/load/server_usage.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

namespace reachback::bench {
namespace {

void read_memory(std::string const& folder, ServerUsage& usage) {
  std::ifstream status(folder + "/status");
  for (std::string key; status >> key;) {
    if (key == "VmRSS:") status >> usage.rss_kib;
    if (key == "VmHWM:") status >> usage.hwm_kib;
  }
}

/// proc(5): utime and stime are the fields 14 and 15; the second may contain spaces, but ends with ')'.
void read_ticks(std::string const& folder, ServerUsage& usage) {
  std::ifstream file(folder + "/stat");
  std::string const stat{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  auto const per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.user_s = user / per_second;
  usage.system_s = system / per_second;
}

}  // namespace

ServerUsage ServerUsage::of(int pid) {
  ServerUsage usage;
  if (pid == 0) return usage;
  std::string const folder = "/proc/" + std::to_string(pid);
  if (!std::filesystem::exists(folder)) throw std::runtime_error("the server is gone");
  for (auto const& task : std::filesystem::directory_iterator(folder + "/task")) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::uint64_t ran = 0;
    schedstat >> ran;
    usage.cpu_ns += ran;
  }
  read_memory(folder, usage);
  read_ticks(folder, usage);
  return usage;
}

}  // namespace reachback::bench
