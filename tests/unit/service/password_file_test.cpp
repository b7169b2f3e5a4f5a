#include "password_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bcrypt.hpp"
#include "reachback/errors.hpp"
#include "unit/attach/temporary_directory.hpp"

namespace reachback::service {

namespace {

namespace fs = std::filesystem;

/// Of "secret", with the least cost: made by the original's library in its three forms.
std::string const hash_of_secret = new_bcrypt_hash("secret", 4);

/// A hash of that cost, for tests that never really hash.
std::string some_hash(unsigned cost) {
  return (cost < 10 ? "$2b$0" : "$2b$") + std::to_string(cost) + '$' + std::string(53, 'a');
}

/// A password file in a directory of its own, and what was logged about it.
struct Users {
  test::TemporaryDirectory directory;
  std::string const path = (directory.served() / "passwd").string();
  std::vector<std::string> logged;
  std::vector<LogLevel> levels;

  explicit Users(std::string const& content) { replace(content); }

  void replace(std::string const& content) const { directory.write("passwd", content); }
  [[nodiscard]] PasswordFile::LogFunction log() {
    return [this](LogLevel level, std::string_view text) {
      levels.push_back(level);
      logged.emplace_back(text);
    };
  }
  [[nodiscard]] PasswordFile open() { return {path, log()}; }
};

/// The text of the error with which the file cannot be opened; empty: it can.
std::string fault_of(std::string const& content) {
  Users users(content);
  try {
    auto const file = users.open();
    return {};
  } catch (StartError const& error) {
    return error.what();
  }
}

/// Counts the steps of hashing instead of taking them.
struct Steps {
  std::uint64_t taken = 0;
  std::string result = "none";

  std::string operator()(std::string_view, std::string const& setting) {
    taken += std::uint64_t{1} << bcrypt_cost(setting).value();
    return result;
  }
};

}  // namespace

TEST_SUITE("password file") {
  TEST_CASE("the right password of a user is right, and nothing else is") {
    Users users("ann," + hash_of_secret + "\nbob," + new_bcrypt_hash("other", 4) + "\n");
    auto file = users.open();
    CHECK(file.check("ann", "secret"));
    CHECK(file.check("bob", "other"));
    CHECK_FALSE(file.check("ann", "other"));
    CHECK_FALSE(file.check("ann", ""));
    CHECK_FALSE(file.check("ann", "secret "));
    CHECK_FALSE(file.check("ann", hash_of_secret));
    CHECK_FALSE(file.check("Ann", "secret"));
    CHECK_FALSE(file.check("", "secret"));
    CHECK_FALSE(file.check("cat", "secret"));
    CHECK(users.logged.empty());
  }

  TEST_CASE("all forms of hashes that are equal today are known") {
    std::string const tail = hash_of_secret.substr(4);
    Users users("a,$2a$" + tail + "\nb,$2b$" + tail + "\ny,$2y$" + tail);
    auto file = users.open();
    for (auto const* const user : {"a", "b", "y"}) CHECK(file.check(user, "secret"));
  }

  TEST_CASE("the original's own hash is known") {
    Users users("ann,$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n");
    CHECK(users.open().check("ann", "U*U"));
  }

  TEST_CASE("lines may be empty, comments, end in CRLF or without a break, or have blanks around them") {
    Users users("# users\r\n\r\n  ann," + hash_of_secret + " \r\n\n#bob," + hash_of_secret + "\ncat," +
                hash_of_secret);
    auto file = users.open();
    CHECK(file.check("ann", "secret"));
    CHECK(file.check("cat", "secret"));
    CHECK_FALSE(file.check("bob", "secret"));
    CHECK_FALSE(file.check("#bob", "secret"));
  }

  TEST_CASE("names and passwords are bytes of UTF-8, compared as they are") {
    Users users("J\xc3\xb6rg M," + new_bcrypt_hash("p\xc3\xa4ss \xff", 4));
    auto file = users.open();
    CHECK(file.check("J\xc3\xb6rg M", "p\xc3\xa4ss \xff"));
    CHECK_FALSE(file.check("Jo\xcc\x88rg M", "p\xc3\xa4ss \xff"));
    CHECK_FALSE(file.check("J\xc3\xb6rg M", "p\xe4ss \xff"));
  }

  TEST_CASE("of a password 72 bytes count, as in the original, and one with a NUL is wrong") {
    std::string const long_one(72, 'x');
    Users users("ann," + new_bcrypt_hash(long_one, 4) + "\nbob," + hash_of_secret);
    auto file = users.open();
    CHECK(file.check("ann", long_one));
    CHECK(file.check("ann", long_one + "more"));
    CHECK(file.check("ann", long_one + std::string(952, 'y')));
    CHECK_FALSE(file.check("ann", long_one.substr(1)));
    CHECK_FALSE(file.check("bob", std::string_view("secret\0", 7)));
    CHECK_FALSE(file.check("bob", std::string_view("secret\0more", 11)));
  }

  TEST_CASE("a file without users is good, and nobody comes in") {
    for (auto const* const nothing : {"", "\n", "# none yet\n"}) {
      Users users(nothing);
      CHECK_FALSE(users.open().check("", ""));
    }
  }
}

TEST_SUITE("password file: faults") {
  TEST_CASE("are named by file and line") {
    std::string const good = "ann," + hash_of_secret + "\n";
    std::vector<std::string> const bad_lines = {"bob",
                                                "," + hash_of_secret,
                                                "bob:" + hash_of_secret,
                                                "bob,secret",
                                                "bob,",
                                                "bob," + hash_of_secret.substr(1),
                                                "bob," + hash_of_secret + "x",
                                                "bob,$2x" + hash_of_secret.substr(3),
                                                "bob,$2b$03" + hash_of_secret.substr(6),
                                                "bob,$2b$32" + hash_of_secret.substr(6),
                                                "bob,$6$salt$abcdefgh",
                                                "bob,more," + hash_of_secret,
                                                "b\xff," + hash_of_secret,
                                                "ann," + hash_of_secret};
    for (auto const& line : bad_lines) {
      CAPTURE(line);
      auto const fault = fault_of(good + "\n" + line + "\n" + "cat," + hash_of_secret);
      CHECK(fault.find("/passwd, line 3: ") != std::string::npos);
    }
  }

  TEST_CASE("never repeat what the file holds") {
    for (auto const* const line : {"hidden", "hidden,", "bob,hidden", "bob,$2b$04$hidden"}) {
      auto const fault = fault_of(line);
      CHECK_FALSE(fault.empty());
      CHECK(fault.find("hidden") == std::string::npos);
      CHECK(fault.find('\n') == std::string::npos);
    }
  }

  TEST_CASE("a file that is not there, or is none, cannot be opened") {
    Users users("");
    CHECK_THROWS_AS(PasswordFile(users.path + ".none", users.log()), StartError);
    CHECK_THROWS_AS(PasswordFile(users.directory.served().string(), users.log()), StartError);
    CHECK_THROWS_AS(PasswordFile("/dev/null", users.log()), StartError);
  }
}

TEST_SUITE("password file: changes") {
  TEST_CASE("count with the next check, however they were made") {
    Users users("ann," + hash_of_secret + "\n");
    auto file = users.open();
    users.replace("bob," + hash_of_secret + "\n");  // of the same length, most likely in the same tick
    CHECK_FALSE(file.check("ann", "secret"));
    CHECK(file.check("bob", "secret"));
    users.directory.write("new", "cat," + hash_of_secret + "\n");
    fs::rename(users.directory.served() / "new", users.path);
    CHECK_FALSE(file.check("bob", "secret"));
    CHECK(file.check("cat", "secret"));
    CHECK(users.levels == std::vector{LogLevel::info, LogLevel::info});
  }

  TEST_CASE("a file that is malformed or gone leaves the users as they were, and is logged once") {
    Users users("ann," + hash_of_secret + "\n");
    auto file = users.open();
    users.replace("bob," + hash_of_secret + "\nhidden\n");
    for (int i = 0; i < 3; ++i) {
      CHECK(file.check("ann", "secret"));
      CHECK_FALSE(file.check("bob", "secret"));
    }
    REQUIRE(users.logged.size() == 1);
    CHECK(users.levels[0] == LogLevel::error);
    CHECK(users.logged[0].find("/passwd, line 2: ") != std::string::npos);
    CHECK(users.logged[0].find("hidden") == std::string::npos);
    fs::remove(users.path);
    for (int i = 0; i < 3; ++i) CHECK(file.check("ann", "secret"));
    CHECK(users.logged.size() == 2);
    CHECK(users.levels[1] == LogLevel::error);
  }

  TEST_CASE("a fault that comes again after it was gone is logged again") {
    std::string const good = "ann," + hash_of_secret + "\n";
    Users users(good);
    auto file = users.open();
    for (auto const& content : {std::string("x"), good, std::string("x")}) {
      users.replace(content);
      CHECK(file.check("ann", "secret"));
    }
    CHECK(users.logged.size() == 2);
  }
}

TEST_SUITE("password file: the cost of a check") {
  TEST_CASE("is the same for everybody, known or not: that of the highest in the file") {
    Users users("low," + some_hash(4) + "\nmiddle," + some_hash(7) + "\nhigh," + some_hash(12));
    Steps steps;
    PasswordFile file(users.path, users.log(), std::ref(steps));
    for (auto const* const user : {"low", "middle", "high", "nobody", ""}) {
      CAPTURE(user);
      steps.taken = 0;
      CHECK_FALSE(file.check(user, "guess"));
      CHECK(steps.taken == 1u << 12);
    }
  }

  TEST_CASE("is the same whether the password is right or wrong") {
    Users users("low," + some_hash(4) + "\nhigh," + some_hash(10));
    Steps steps;
    PasswordFile file(users.path, users.log(), std::ref(steps));
    steps.result = some_hash(4);
    CHECK(file.check("low", "right"));
    CHECK(steps.taken == 1u << 10);
  }

  TEST_CASE("follows the file") {
    Users users("ann," + some_hash(12));
    Steps steps;
    PasswordFile file(users.path, users.log(), std::ref(steps));
    users.replace("ann," + some_hash(5));
    CHECK_FALSE(file.check("nobody", "guess"));
    CHECK(steps.taken == 1u << 5);
  }

  TEST_CASE("is no less where there are no users") {
    Users users("");
    Steps steps;
    PasswordFile file(users.path, users.log(), std::ref(steps));
    CHECK_FALSE(file.check("nobody", "guess"));
    CHECK(steps.taken == 1u << 12);
  }

  TEST_CASE("a stranger's password is really hashed") {
    Users users("ann," + hash_of_secret);
    std::vector<std::string> hashed;
    PasswordFile file(users.path, users.log(), [&](std::string_view password, std::string const& setting) {
      hashed.push_back(bcrypt(password, setting));
      return hashed.back();
    });
    CHECK_FALSE(file.check("nobody", "guess"));
    REQUIRE(hashed.size() == 1);
    CHECK(bcrypt_cost(hashed[0]) == 4u);
  }

  TEST_CASE("a check that the system refuses says nothing about the password") {
    Users users("ann," + hash_of_secret);
    PasswordFile file(users.path, users.log(), [](std::string_view, std::string const&) -> std::string {
      throw std::runtime_error("no memory");
    });
    CHECK_THROWS_AS(static_cast<void>(file.check("ann", "secret")), std::runtime_error);
  }
}

TEST_SUITE("bcrypt") {
  TEST_CASE("a new hash has a salt of its own and the cost that was asked for") {
    auto const first = new_bcrypt_hash("secret", 5), second = new_bcrypt_hash("secret", 5);
    CHECK(first != second);
    CHECK(first.starts_with("$2b$05$"));
    CHECK(bcrypt_cost(first) == 5u);
    CHECK(bcrypt("secret", first) == first);
    CHECK(bcrypt("Secret", first) != first);
  }

  TEST_CASE("costs outside of what it knows are refused") {
    CHECK_THROWS_AS(static_cast<void>(new_bcrypt_hash("secret", 3)), std::runtime_error);
    CHECK_THROWS_AS(static_cast<void>(new_bcrypt_hash("secret", 32)), std::runtime_error);
  }
}

}  // namespace reachback::service
