#include "attach_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "reachback/errors.hpp"
#include "unit/attach/temporary_directory.hpp"

using namespace reachback;
using namespace reachback::service;
using namespace reachback::test;

namespace {

constexpr std::array both_ways = {Confinement::kernel, Confinement::path};

/// The file's content, or "!" and the reason why it is not given away.
std::string content(ServedDirectory const& directory, std::string const& name) {
  auto const file = directory.open(name);
  if (!file) return "!" + file.error();
  std::array<char, 100> buffer{};
  auto const count = ::read(file->number(), buffer.data(), buffer.size());
  return count < 0 ? "!read" : std::string(buffer.data(), static_cast<std::size_t>(count));
}

bool refused(ServedDirectory const& directory, std::string const& name) {
  return content(directory, name).starts_with("!");
}

}  // namespace

TEST_CASE("files below the directory are opened by their names") {
  TemporaryDirectory const place;
  place.write("a.txt", "A");
  place.write("deep/er/b.txt", "B");
  for (auto const way : both_ways) {
    ServedDirectory const directory(place.served(), way);
    CHECK(content(directory, "a.txt") == "A");
    CHECK(content(directory, "deep/er/b.txt") == "B");
    CHECK(content(directory, "deep//er/./b.txt") == "B");
    CHECK(content(directory, "c.txt") == "!No such file or directory");
  }
}

TEST_CASE("names that lead out are refused") {
  TemporaryDirectory const place;
  place.write("deep/a.txt", "A");
  std::ofstream(place.outside() / "secret") << "S";
  std::filesystem::create_directory(place.outside() / "served2");
  std::ofstream(place.outside() / "served2" / "secret") << "S";
  for (auto const way : both_ways) {
    ServedDirectory const directory(place.served(), way);
    for (std::string const& name :
         {std::string("../secret"), std::string("deep/../../secret"), std::string("deep/../deep/a.txt"),
          std::string("/etc/passwd"), (place.served() / "deep/a.txt").string(), std::string(".."),
          std::string(), std::string("deep/a.txt\0x", 12), std::string("../served2/secret")}) {
      CHECK_MESSAGE(refused(directory, name), name);
    }
  }
}

TEST_CASE("symbolic links are followed only as long as they stay inside") {
  TemporaryDirectory const place;
  place.write("deep/a.txt", "A");
  std::ofstream(place.outside() / "secret") << "S";
  std::filesystem::create_symlink("deep/a.txt", place.served() / "inside");
  std::filesystem::create_symlink("../deep/a.txt", place.served() / "deep/around");
  std::filesystem::create_symlink("../secret", place.served() / "outside");
  std::filesystem::create_symlink(place.outside() / "secret", place.served() / "absolute");
  std::filesystem::create_directory_symlink("..", place.served() / "up");
  std::filesystem::create_symlink("loop", place.served() / "loop");
  for (auto const way : both_ways) {
    ServedDirectory const directory(place.served(), way);
    CHECK(content(directory, "inside") == "A");
    CHECK(content(directory, "deep/around") == "A");
    CHECK(content(directory, "outside") == "!the name leads out of the served directory");
    CHECK(content(directory, "absolute") == "!the name leads out of the served directory");
    CHECK(content(directory, "up/secret") == "!the name leads out of the served directory");
    CHECK(refused(directory, "up/served/deep/../../../secret"));
    CHECK(refused(directory, "loop"));
  }
}

TEST_CASE("the listing has regular files of all depths, sorted, and of links those that may be opened") {
  TemporaryDirectory const place;
  for (auto const* const name : {"b.txt", "a.txt", "deep/c.txt", "deep/er/d.dat", ".hidden"})
    place.write(name, "x");
  std::ofstream(place.outside() / "secret") << "S";
  std::filesystem::create_symlink("a.txt", place.served() / "link.txt");
  std::filesystem::create_symlink("../secret", place.served() / "out.txt");
  std::filesystem::create_directory_symlink("deep", place.served() / "linked");
  REQUIRE(::mkfifo((place.served() / "fifo.txt").c_str(), 0600) == 0);
  place.write("odd-\xff.txt", "x");
  using Names = std::vector<std::string>;
  for (auto const way : both_ways) {
    ServedDirectory const directory(place.served(), way);
    CHECK(directory.list("") ==
          Names{".hidden", "a.txt", "b.txt", "deep/c.txt", "deep/er/d.dat", "link.txt"});
    CHECK(directory.list("*.txt") == Names{"a.txt", "b.txt", "link.txt"});
    CHECK(directory.list("*/*.txt") == Names{"deep/c.txt"});
    CHECK(directory.list("deep/er/?.d[a-b]t") == Names{"deep/er/d.dat"});
    CHECK(directory.list("nothing*").empty());
  }
}

TEST_CASE("a directory that isn't one is a failed start") {
  TemporaryDirectory const place;
  place.write("file", "x");
  CHECK_THROWS_AS(ServedDirectory(place.served() / "none"), StartError);
  CHECK_THROWS_AS(ServedDirectory(place.served() / "file"), StartError);
}
