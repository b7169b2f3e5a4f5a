#include "key_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "reachback/errors.hpp"
#include "unit/attach/temporary_directory.hpp"

namespace reachback::service {

namespace {

namespace fs = std::filesystem;

struct KeyFile {
  test::TemporaryDirectory directory;
  std::string const path = (directory.served() / "key").string();
  std::vector<std::string> warnings;

  [[nodiscard]] std::string read() {
    return read_key_file(path, [this](LogLevel level, std::string_view text) {
      CHECK(level == LogLevel::warning);
      warnings.emplace_back(text);
    });
  }
  void write(std::string const& content, fs::perms mode = fs::perms::owner_read) const {
    fs::remove(path);
    directory.write("key", content);
    fs::permissions(path, mode);
  }
  [[nodiscard]] std::string fault() {
    try {
      static_cast<void>(read());
      return {};
    } catch (StartError const& error) {
      return error.what();
    }
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory.served()), fs::directory_iterator()));
  }
};

}  // namespace

TEST_SUITE("key file") {
  TEST_CASE("holds the key, without the line break at its end") {
    KeyFile file;
    std::string const key(32, 'k');
    for (auto const* const end : {"", "\n", "\r\n"}) {
      file.write(key + end);
      CHECK(file.read() == key);
    }
    file.write(key + " \n\n");
    CHECK(file.read() == key + " \n");
    CHECK(file.warnings.empty());
  }

  TEST_CASE("that has less than 32 bytes is refused by name, without its content") {
    KeyFile file;
    for (std::string const& key : {std::string(), std::string("\n"), std::string(31, 'k') + "\n"}) {
      file.write(key);
      auto const fault = file.fault();
      CHECK(fault.find(file.path) != std::string::npos);
      CHECK(fault.find("kk") == std::string::npos);
      CHECK(fault.find('\n') == std::string::npos);
    }
  }

  TEST_CASE("that is not there is made for its owner alone, and stays") {
    KeyFile file;
    auto const key = file.read();
    CHECK(key.size() == 64);
    CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(fs::status(file.path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(file.read() == key);
    CHECK(file.warnings.empty());
    CHECK(file.files() == 1);
    KeyFile other;
    CHECK(other.read() != key);
  }

  TEST_CASE("replicas that make it at once end with the same") {
    KeyFile file;
    constexpr unsigned replicas = 8;
    std::vector<std::string> keys(replicas);
    std::latch start(replicas);
    {
      std::vector<std::jthread> threads;
      for (auto& key : keys)
        threads.emplace_back([&] {
          start.arrive_and_wait();
          key = read_key_file(file.path, [](LogLevel, std::string_view) {});
        });
    }
    CHECK(std::set(keys.begin(), keys.end()).size() == 1);
    CHECK(keys[0] == file.read());
    CHECK(file.files() == 1);
  }

  TEST_CASE("that cannot be made or read is refused in one line that names it") {
    KeyFile file;
    for (std::string const& path :
         {file.directory.served().string(), file.path + "/none", file.path + ".d/none"}) {
      file.write(std::string(32, 'k'));
      CAPTURE(path);
      try {
        static_cast<void>(read_key_file(path, [](LogLevel, std::string_view) {}));
        FAIL("it was read");
      } catch (StartError const& error) {
        std::string const fault = error.what();
        CHECK(fault.find(path) != std::string::npos);
        CHECK(fault.find('\n') == std::string::npos);
      }
    }
  }

  TEST_CASE("that others may read is good, and warned of") {
    KeyFile file;
    for (auto const mode : {fs::perms::group_read, fs::perms::others_read}) {
      file.warnings.clear();
      file.write(std::string(32, 'k'), fs::perms::owner_read | mode);
      CHECK(file.read() == std::string(32, 'k'));
      REQUIRE(file.warnings.size() == 1);
      CHECK(file.warnings[0].find(file.path) != std::string::npos);
    }
  }
}

}  // namespace reachback::service
