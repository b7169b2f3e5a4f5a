#include "prepare.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "reachback/errors.hpp"
#include "temporary_file.hpp"

namespace reachback::service {

namespace {

Config prepared(ServeCommand command) {
  return prepare(std::move(command), [](LogLevel, std::string_view) {});
}

std::string complaint(ServeCommand command) {
  try {
    (void)prepared(std::move(command));
  } catch (StartError const& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("tokens in clear are good for everything, beside those known by hash") {
  TemporaryFile const file("# of the lab\nthree\r\n\n \n  # of the other one\nfour\n");
  ServeCommand command;
  command.config.tokens = {{"lab", std::string(64, 'a'), {"admin"}}};
  command.tokens = {"one", "two"};
  command.token_file = file.path();
  auto const tokens = prepared(command).tokens;
  REQUIRE(tokens.size() == 5);
  CHECK(tokens[0].name == "lab");
  CHECK(tokens[1] == known_token("token 1", "one"));
  CHECK(tokens[2] == known_token("token 2", "two"));
  CHECK(tokens[3] == known_token("token of file 1", "three"));
  CHECK(tokens[4] == known_token("token of file 2", "four"));
}

TEST_CASE("a file of tokens without a token, or with one that no header can carry, is refused") {
  TemporaryFile const empty("\n# none\n"), bad("good\nhush hush\n");
  ServeCommand command;
  command.token_file = empty.path();
  CHECK(complaint(command).starts_with(empty.path() + ": "));
  command.token_file = bad.path();
  CHECK(complaint(command).starts_with(bad.path() + ":2: "));
  CHECK(complaint(command).find("hush") == std::string::npos);
}

TEST_CASE("the keys of JSON Web Tokens come from their file, which has to make sense") {
  std::string const set = R"({"keys":[{"kty":"oct","k":"aHVzaCBodXNoIGh1c2ggaHVzaCBodXNoIGh1c2ggaHVzaA"}]})";
  TemporaryFile const good(set), bad(R"({"keys":[{"kty":"oct","k":"aHVzaA"}]})");
  ServeCommand command;
  command.jwt_keys_file = good.path();
  CHECK(prepared(command).jwt.keys == set);
  command.jwt_keys_file = bad.path();
  CHECK(complaint(command) == "the file of JWT keys has a key 1 that has 4 bytes: HS256 needs 32");
  TemporaryFile const empty("");
  command.jwt_keys_file = empty.path();
  CHECK(complaint(command) == "the file of JWT keys is no JWK Set: it is empty");
  command.jwt_keys_file = "/no/such/keys";
  CHECK(complaint(command).find("/no/such/keys") != std::string::npos);
}

TEST_CASE("accounts come from the password file") {
  // The password is "secret"; the cost is the least there is.
  TemporaryFile const file("ada,$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n");
  ServeCommand command;
  command.password_file = file.path();
  Config const config = prepared(command);
  REQUIRE(config.check_password);
  CHECK_FALSE(config.check_password("ada", "wrong"));
  CHECK_FALSE(config.check_password("bob", "secret"));
  CHECK(config.check_password("ada", "secret"));
}

TEST_CASE("a file of accounts that cannot be read is refused") {
  ServeCommand command;
  command.password_file = "/no/such/accounts";
  CHECK(complaint(command).find("/no/such/accounts") != std::string::npos);
}

TEST_CASE("a key file is made at the start, and not by a check") {
  std::string path;
  {
    TemporaryFile const file("");
    path = file.path();
  }
  ServeCommand command;
  command.cookie_key_file = path;
  command.check_only = true;
  CHECK(prepared(command).cookie_key.empty());
  CHECK_FALSE(std::filesystem::exists(path));
  command.check_only = false;
  auto const key = prepared(command).cookie_key;
  CHECK(key.size() >= 32);
  CHECK(prepared(command).cookie_key == key);
  std::filesystem::remove(path);
}

TEST_CASE("a key file that may not be looked for is refused, also by a check") {
  ServeCommand command;
  // Too long a name fails for root too, whom no folder keeps out.
  command.cookie_key_file = '/' + std::string(300, 'k');
  for (bool const check_only : {false, true}) {
    command.check_only = check_only;
    CHECK(complaint(command).starts_with(command.cookie_key_file + " cannot be read: "));
  }
}

TEST_CASE("a check reads a key file that is there") {
  TemporaryFile const file("short");
  ServeCommand command;
  command.cookie_key_file = file.path();
  command.check_only = true;
  CHECK(complaint(command).find(file.path()) != std::string::npos);
}

}  // namespace reachback::service
