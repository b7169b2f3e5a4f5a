#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace reachback::test {

/// A new directory with another one beside it, removed with all that is in them.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    auto name = (std::filesystem::temp_directory_path() / "reachback-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    base_ = name;
    std::filesystem::create_directory(served());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(base_); }
  TemporaryDirectory(TemporaryDirectory const&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory const&) = delete;

  [[nodiscard]] std::filesystem::path served() const { return base_ / "served"; }
  [[nodiscard]] std::filesystem::path outside() const { return base_; }

  /// Writes a file below `served()`, with the directories that it needs.
  void write(std::string const& name, std::string_view content) const {
    auto const path = served() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }

 private:
  std::filesystem::path base_;
};

}  // namespace reachback::test
