#include "watched_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "reachback/errors.hpp"
#include "temporary_file.hpp"

using namespace reachback;
using namespace reachback::service;

namespace {

/// A file that is watched, with what was taken of it and what was logged.
struct Watched {
  TemporaryFile file{"old"};
  std::vector<std::string> taken;
  std::vector<std::string> errors;
  WatchedFile watched{file.path(), "old",
                      [this](std::string_view text) {
                        if (text == "nonsense") throw StartError("it makes no sense");
                        taken.emplace_back(text);
                      },
                      [this](LogLevel level, std::string_view text) {
                        if (level == LogLevel::error) errors.emplace_back(text);
                      }};

  void write(std::string const& text) { std::ofstream(file.path()) << text; }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE("a watched file") {
  TEST_CASE("is taken when it has changed, and only then") {
    Watched it;
    it.watched.look();
    CHECK(it.taken.empty());
    it.write("new");
    it.watched.look();
    it.watched.look();
    CHECK(it.taken == Texts{"new"});
    CHECK(it.errors.empty());
  }

  TEST_CASE("that makes no sense leaves what was, is complained of once, and counts when it is put right") {
    Watched it;
    it.write("nonsense");
    it.watched.look();
    it.watched.look();
    CHECK(it.taken.empty());
    REQUIRE(it.errors.size() == 1);
    CHECK(it.errors[0] == "what " + it.file.path() + " held before stays in force: it makes no sense");
    it.write("right");
    it.watched.look();
    CHECK(it.taken == Texts{"right"});
  }

  TEST_CASE("that the system cannot read leaves what was") {
    std::vector<std::string> errors;
    std::string const unreadable = "/proc/self/mem";  // a regular file whose first byte is nobody's
    WatchedFile watched(
        unreadable, "old", [](std::string_view) { FAIL("nothing was read"); },
        [&](LogLevel, std::string_view text) { errors.emplace_back(text); });
    watched.look();
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].ends_with("cannot be read: Input/output error"));
  }

  TEST_CASE("that is gone leaves what was") {
    Watched it;
    std::filesystem::remove(it.file.path());
    it.watched.look();
    it.watched.look();
    CHECK(it.taken.empty());
    CHECK(it.errors.size() == 1);
    it.write("old");
    it.watched.look();
    CHECK(it.taken.empty());
    std::filesystem::remove(it.file.path());
    it.watched.look();
    CHECK(it.errors.size() == 2);
  }
}
