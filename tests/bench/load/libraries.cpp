#include <openssl/evp.h>
#include <time.h>
#include <zlib.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>

#include "bench/load/large_answer.hpp"
#include "bench/load/scenarios.hpp"

namespace reachback::bench {
namespace {

constexpr std::size_t mib = 1 << 20;
constexpr int rounds = 5;

double thread_us() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1000;
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
unsigned char const* bytes_of(std::string const& text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

void decode(LargeAnswer::Part const& part, std::string& out) {
  // Behind the data stand a quote, a bracket and the line's end.
  auto const size = part.tail.size() - 3;
  out.resize(size);
  if (EVP_DecodeBlock(bytes_of(out), bytes_of(part.tail), static_cast<int>(size)) < 0) {
    throw std::runtime_error("EVP_DecodeBlock");
  }
}

void inflate_part(LargeAnswer::Part const& part, std::string& out) {
  out.resize(LargeAnswer::part_size);
  uLongf size = out.size();
  if (uncompress(bytes_of(out), &size, bytes_of(part.packed), part.packed.size()) != Z_OK) {
    throw std::runtime_error("uncompress");
  }
}

/// The hash of each part, and of the whole where that is another.
void hash(LargeAnswer const& answer) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  for (int i = 0; i < (answer.parts().size() > 1 ? 2 : 1); ++i) {
    EVP_Digest(answer.payload().data(), answer.payload().size(), digest.data(), nullptr, EVP_md5(), nullptr);
  }
}

/// Mean of some rounds, after one that warms up.
double cost_us(std::function<void()> const& work) {
  work();
  double const before = thread_us();
  for (int i = 0; i < rounds; ++i) work();
  return (thread_us() - before) / rounds;
}

}  // namespace

void run_libraries(Options const& options, Report& report) {
  LargeAnswer const answer(options.size * mib, options.compressed, 0);
  std::string out;
  double const decoding = cost_us([&] {
    for (auto const& part : answer.parts()) decode(part, out);
  });
  double const inflating = !options.compressed ? 0 : cost_us([&] {
    for (auto const& part : answer.parts()) inflate_part(part, out);
  });
  double const hashing = cost_us([&] { hash(answer); });
  report.add("base64_us", decoding);
  report.add("inflate_us", inflating);
  report.add("md5_us", hashing);
  report.add("cpu_us", decoding + inflating + hashing);
}

}  // namespace reachback::bench
