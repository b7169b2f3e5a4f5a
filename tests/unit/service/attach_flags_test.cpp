#include <fstream>

#include "unit/attach/temporary_directory.hpp"
#include "unit/service/parsing.hpp"

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

TEST_CASE("a server in the environment that is none is refused by the variable's name") {
  CHECK(contains(refused({"--test"}, {{"REACHBACK_SERVER", "lab"}}), "REACHBACK_SERVER is 'lab'"));
}

TEST_CASE("secrets come from files, without the line break at their end") {
  test::TemporaryDirectory const directory;
  auto const write = [&](std::string const& name, std::string const& text) {
    auto const path = (directory.served() / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  };
  CHECK(options_of({}, {{"REACHBACK_TOKEN_FILE", write("token", "secret\n")}}).token == "secret");
  CHECK(options_of({}, {{"REACHBACK_TOKEN_FILE", write("bare", "secret")}}).token == "secret");
  auto const user =
      options_of({"--user", "ada"}, {{"REACHBACK_PASSWORD_FILE", write("word", " a b \n\r\n")}});
  CHECK(user.password == " a b \n");
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", write("empty", "\n")}}), "--token"));
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", "/nowhere/token"}}),
                 "'/nowhere/token', which cannot be read"));
  CHECK(contains(refused({}, {{"REACHBACK_TOKEN_FILE", directory.served().string()}}), "cannot be read"));
}

TEST_CASE("a secret that is given twice is a mistake, unless the command line has one") {
  Variables const both = {{"REACHBACK_TOKEN", "here"}, {"REACHBACK_TOKEN_FILE", "/nowhere"}};
  CHECK(contains(refused({}, both), "REACHBACK_TOKEN and REACHBACK_TOKEN_FILE are both set"));
  CHECK(options_of({"--token", "flag"}, both).token == "flag");
  CHECK(options_of({"--test"}, both).token.empty());
}

}  // namespace reachback::service
