#include "unit/service/parsing.hpp"
#include "unit/service/temporary_file.hpp"

namespace reachback::service {

namespace {

Words attach(Words const& flags) {
  Words words = {"attach", "wsData", "--files", "/tmp"};
  words.insert(words.end(), flags.begin(), flags.end());
  return words;
}

AttachOptions options_of(Words const& flags, Variables const& variables = {}) {
  auto const command = parsed(attach(flags), variables);
  if (auto const* notice = std::get_if<Notice>(&command)) FAIL(notice->text);
  return std::get<AttachCommand>(command).options;
}

std::string refused(Words const& flags, Variables const& variables = {}) {
  return refusal(attach(flags), variables);
}

bool contains(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("attach goes to the server that the flag names, else the environment, else to this machine") {
  Variables const there = {{"REACHBACK_SERVER", "https://lab.example"}, {"REACHBACK_CA_FILE", "/lab.pem"}};
  auto const named =
      options_of({"--test", "--server", "wss://other.example:99", "--ca-file", "/other.pem"}, there);
  CHECK(named.host == "other.example");
  CHECK(named.port == 99);
  CHECK(named.tls);
  CHECK(named.ca_file == "/other.pem");
  auto const from_environment = options_of({"--test"}, there);
  CHECK(from_environment.host == "lab.example");
  CHECK(from_environment.port == 443);
  CHECK(from_environment.tls);
  CHECK(from_environment.ca_file == "/lab.pem");
  auto const otherwise = options_of({"--test"});
  CHECK(otherwise.host == "127.0.0.1");
  CHECK(otherwise.port == 8888);
  CHECK_FALSE(otherwise.tls);
  CHECK(otherwise.ca_file.empty());
}

TEST_CASE("a CA file is for TLS: naming one for a plain server is a mistake") {
  CHECK(contains(refused({"--test", "--server", "http://lab", "--ca-file", "/lab.pem"}), "--ca-file"));
  CHECK(contains(refused({"--test", "--ca-file", "/lab.pem"}), "https"));
  CHECK(options_of({"--test", "--server", "lab:80"}, {{"REACHBACK_CA_FILE", "/lab.pem"}}).ca_file.empty());
}

TEST_CASE("a client certificate is a credential of its own, and goes along with another one") {
  Words const flags = {"--server", "https://lab", "--certificate", "/a.pem", "--key", "/a.key"};
  auto const alone = options_of(flags);
  CHECK(alone.certificate_file == "/a.pem");
  CHECK(alone.key_file == "/a.key");
  CHECK((alone.user.empty() && alone.token.empty()));
  CHECK(options_of(flags, {{"REACHBACK_TOKEN", "secret"}}).token == "secret");
  CHECK(contains(refused({"--server", "https://lab", "--certificate", "/a.pem"}), "--key"));
}

TEST_CASE("a server in the environment that is none is refused by the variable's name") {
  CHECK(contains(refused({"--test"}, {{"REACHBACK_SERVER", "lab"}}), "REACHBACK_SERVER is 'lab'"));
}

TEST_CASE("secrets come from files, without the line break at their end") {
  TemporaryFile const token("secret\n"), bare("secret"), password(" a b \r\n");
  CHECK(options_of({}, {{"REACHBACK_TOKEN_FILE", token.path()}}).token == "secret");
  CHECK(options_of({}, {{"REACHBACK_TOKEN_FILE", bare.path()}}).token == "secret");
  CHECK(options_of({"--user", "ada"}, {{"REACHBACK_PASSWORD_FILE", password.path()}}).password == " a b ");
}

TEST_CASE("a file that does not hold one secret is refused by the variable's name, without what it holds") {
  TemporaryFile const accounts("ada,hash\nbob,hash\n"), blank("hash\n\n"), empty("\n");
  for (TemporaryFile const* const file : {&accounts, &blank}) {
    auto const password = refused({"--user", "ada"}, {{"REACHBACK_PASSWORD_FILE", file->path()}});
    CHECK(contains(password, "REACHBACK_PASSWORD_FILE names a file of more than one line"));
    CHECK_FALSE(contains(password, "hash"));
    auto const token = refused({}, {{"REACHBACK_TOKEN_FILE", file->path()}});
    CHECK(contains(token, "REACHBACK_TOKEN_FILE names a file of more than one line"));
    CHECK_FALSE(contains(token, "hash"));
  }
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", empty.path()}}), "REACHBACK_TOKEN_FILE names a file"));
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", "/nowhere/token"}}),
                 "REACHBACK_TOKEN_FILE: /nowhere/token cannot be read: No such file"));
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", "/tmp"}}), "/tmp cannot be read"));
}

TEST_CASE("a token out of a file is read anew for each connection, one said otherwise is not") {
  TemporaryFile const file("first\n");
  for (auto const& options :
       {options_of({"--token-file", file.path()}), options_of({}, {{"REACHBACK_TOKEN_FILE", file.path()}}),
        options_of({"--token-file", file.path()}, {{"REACHBACK_TOKEN", "other"}})}) {
    std::ofstream(file.path()) << "first\n";
    CHECK(options.token == "first");
    REQUIRE(options.read_token);
    std::ofstream(file.path()) << "second\n";
    CHECK(options.read_token() == "second");
    std::ofstream(file.path()) << "hush hush\n";
    CHECK_THROWS(options.read_token());
    std::ofstream(file.path()) << "first\n";
  }
  CHECK_FALSE(options_of({"--token", "flag"}).read_token);
  CHECK_FALSE(options_of({"--test"}).read_token);
  CHECK(contains(refused({"--token-file", "/nowhere/token"}), "--token-file: /nowhere/token cannot be read"));
  CHECK(contains(refused({"--token-file", file.path(), "--token", "flag"}), "--token"));
}

TEST_CASE("a token that no header can carry is refused by where it was said") {
  TemporaryFile const file("hush hush\n");
  for (auto const& [where, line] : std::map<std::string, std::string>{
           {"--token", refused({"--token", "hush hush"})},
           {"REACHBACK_TOKEN", refused({}, {{"REACHBACK_TOKEN", "hush hush"}})},
           {"REACHBACK_TOKEN_FILE", refused({}, {{"REACHBACK_TOKEN_FILE", file.path()}})}}) {
    CHECK(contains(line, "reachback: " + where + " "));
    CHECK_FALSE(contains(line, "hush"));
  }
}

TEST_CASE("a secret that is given twice is a mistake, unless the command line has one") {
  Variables const both = {{"REACHBACK_TOKEN", "here"}, {"REACHBACK_TOKEN_FILE", "/nowhere"}};
  CHECK(contains(refused({}, both), "REACHBACK_TOKEN and REACHBACK_TOKEN_FILE are both set"));
  CHECK(options_of({"--token", "flag"}, both).token == "flag");
  CHECK(options_of({"--test"}, both).token.empty());
}

}  // namespace reachback::service
