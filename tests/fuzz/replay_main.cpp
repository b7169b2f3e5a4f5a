#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "target.hpp"

namespace {

std::vector<std::filesystem::path> files_in(std::filesystem::path const& folder) {
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot be read: " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// libFuzzer calls an input by its SHA-1, which says nothing to a reader.
bool has_name(std::filesystem::path const& file) {
  auto const name = file.filename().string();
  return name.size() != 40 || name.find_first_not_of("0123456789abcdef") != name.npos;
}

int replay(reachback::fuzz::Target const& target, std::filesystem::path const& corpus) {
  auto const files = files_in(corpus);
  if (files.empty()) throw std::runtime_error("no input in " + corpus.string());
  for (auto const& file : files) {
    if (!has_name(file)) throw std::runtime_error("name it by what it is: " + file.string());
  }
  target.run({});
  for (auto const& file : files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);  // the last line names the input that ends the process
    target.run(content_of(file));
  }
  return 0;
}

}  // namespace

/// Runs the inputs of a target's corpus in a fixed order, as an ordinary test.
int main(int argc, char** argv) try {
  std::string_view const name = argc == 3 ? argv[1] : "";
  for (auto const& target : reachback::fuzz::targets()) {
    if (target.name == name) return replay(target, argv[2]);
  }
  std::fputs("usage: fuzz_replay TARGET FOLDER\n", stderr);
  return 2;
} catch (std::exception const& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
