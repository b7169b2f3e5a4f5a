#include "config_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "effective_settings.hpp"
#include "reachback/errors.hpp"
#include "temporary_file.hpp"

namespace reachback::service {

namespace {

ServeCommand read(std::string const& text) {
  TemporaryFile const file(text);
  return read_command(read_config_file(file.path()));
}

/// The complaint after the file's name: "3: port ...".
std::string complaint(std::string const& text) {
  TemporaryFile const file(text);
  try {
    (void)read_command(read_config_file(file.path()));
  } catch (StartError const& error) {
    std::string const line = error.what();
    CHECK_MESSAGE(line.starts_with(file.path() + ':'), line);
    CHECK(line.find('\n') == std::string::npos);
    return line.substr(std::min(file.path().size() + 1, line.size()));
  }
  return "none";
}

}  // namespace

TEST_CASE("values are numbers, texts with units, or truth values") {
  auto const command = read(
      "port = 80\ntest = true\ncall_timeout = 2.5\nhead_timeout = '500 ms'\nidle_timeout = '2 min'\n"
      "call_budget = 65_536\npart_limit = '1 MiB'\nmessage_limit = 0x10\nthreads = '2'");
  CHECK(command.config.port == 80);
  CHECK(command.config.test_mode);
  CHECK(command.config.threads == 2);
  CHECK(command.config.timeouts.call == std::chrono::milliseconds(2500));
  CHECK(command.config.timeouts.head == std::chrono::milliseconds(500));
  CHECK(command.config.timeouts.idle == std::chrono::minutes(2));
  CHECK(command.config.limits.call_budget == 65536);
  CHECK(command.config.limits.part == 1 << 20);
  CHECK(command.config.limits.message == 16);
}

TEST_CASE("an empty file says nothing") { CHECK(read("# nothing\n").config.port == Config().port); }

TEST_CASE("a setting that repeats takes one text or a list, also an empty one") {
  CHECK(read("allow_origin = 'http://a'").config.allowed_origins == std::vector<std::string>{"http://a"});
  CHECK(read("allow_origin = ['http://a', 'http://b']").config.allowed_origins.size() == 2);
  CHECK(read("endpoint = []").config.endpoints.empty());
}

TEST_CASE("endpoints are tables or texts") {
  auto const endpoints = read(
                             "[[endpoint]]\nname = 'a'\nkind = 'service'\n[[endpoint]]\nname = 'b'\n"
                             "kind = 'reject'\nreason = 'moved: to = a, b'")
                             .config.endpoints;
  REQUIRE(endpoints.size() == 2);
  CHECK(endpoints[0].name == "a");
  CHECK(endpoints[1].kind == EndpointKind::reject);
  CHECK(endpoints[1].reject_reason == "moved: to = a, b");
  CHECK(read("endpoint = ['a=service', { name = 'b', kind = 'broadcast' }]").config.endpoints.size() == 2);
}

TEST_CASE("tokens are tables with a hash, or texts in clear") {
  std::string const hash(64, '0');
  auto const command = read("token = ['clear', { name = 'lab', sha256 = '" + hash +
                            "', scopes = ['serve:wsData', 'admin'] }]\ntoken_hash = 'b:" + hash + ":*'");
  CHECK(command.tokens == std::vector<std::string>{"clear"});
  CHECK(command.config.tokens ==
        std::vector<TokenConfig>{{"lab", hash, {"serve:wsData", "admin"}}, {"b", hash, {"*"}}});
}

TEST_CASE("client certificates are tables with a hash or a subject") {
  std::string const hash(64, '0');
  auto const read_all = read("[[client_certificate]]\nname = 'a'\nsha256 = '" + hash +
                             "'\nscopes = ['serve:x', 'admin']\n[[client_certificate]]\nname = 'b'\n"
                             "subject = 'CN=b,O=Lab, Inc'\nscopes = '*'")
                            .config.client_certificates;
  CHECK(read_all == std::vector<ClientCertificateConfig>{{"a", hash, "", {"serve:x", "admin"}},
                                                         {"b", "", "CN=b,O=Lab, Inc", {"*"}}});
  CHECK(complaint("[[client_certificate]]\nname = 'a'\nscopes = '*'").find("sha256") != std::string::npos);
  CHECK(complaint("[[client_certificate]]\nname = 'a'\nsubject = 'CN=a:scopes=*'\nscopes = 'admin'") ==
        "3: client_certificate.subject has ':scopes='");
  CHECK(
      complaint("[[client_certificate]]\nname = 'a'\nsha256 = '" + hash + "'\nsubject = 'CN=a'\nscopes = '*'")
          .find("either sha256 or subject") != std::string::npos);
}

TEST_CASE("a key that is no setting is named with its line and the one that was meant") {
  CHECK(complaint("port = 1\n\nthread = 2") == "3: thread is no setting; is it threads?");
  CHECK(complaint("call-timeout = 2") == "1: call-timeout is no setting; is it call_timeout?");
  CHECK(complaint("[limits]\ncalls = 3") == "1: limits is no setting");
  CHECK(complaint("call.timeout = 2") == "1: call is no setting");
  CHECK(complaint("config = 'other.toml'").starts_with("1: config is no setting"));
  CHECK(complaint("'' = {}") == "1:  is no setting");
  CHECK(complaint("[[endpoint]]\nname = 'a'\nkind = 'service'\ncolour = 'red'") ==
        "4: colour is no key of [[endpoint]]");
  CHECK(complaint("[[endpoint]]\nname = 'a'\nkind = 'service'\nport = 1") ==
        "4: port is no key of [[endpoint]]; settings stand before the first table");
}

TEST_CASE("a value of the wrong type is named with its line") {
  CHECK(complaint("\nhost = 5") == "2: host is no text in quotes");
  CHECK(complaint("port = true").starts_with("1: port is 'true'"));
  CHECK(complaint("port = 1.5").starts_with("1: port is '1.5'"));
  CHECK(complaint("test = 'yes'").starts_with("1: test is 'yes'"));
  CHECK(complaint("call_timeout = 1979-05-27") == "1: call_timeout is neither a number nor a text");
  CHECK(complaint("port = [1, 2]") == "1: port takes one value, not 2");
  CHECK(complaint("port = [[1]]") == "1: port is neither a number nor a text");
  CHECK(complaint("port = { a = 1 }") == "1: port is a table: it is one value");
  CHECK(complaint("call_timeout = nan").starts_with("1: call_timeout is 'nan'"));
  CHECK(complaint("token = { name = 'a', sha256 = 5, scopes = '*' }") ==
        "1: token.sha256 is no text in quotes");
}

TEST_CASE("each value of a list has the line on which it stands") {
  CHECK(complaint("allow_origin = [\n  'http://a',\n  'nonsense']")
            .starts_with("3: allow_origin is not of the form"));
  CHECK(complaint("[[endpoint]]\nname='a'\nkind='service'\n[[endpoint]]\nname='b'\nkind='odd'")
            .starts_with("4: endpoint has the unknown kind 'odd'"));
}

TEST_CASE("a table lacks no key, and its texts cannot pass for others") {
  CHECK(complaint("[[endpoint]]\nname = 'a'") == "1: endpoint has no kind");
  CHECK(complaint("[[token]]\nname = 'a'\nscopes = '*'") == "1: token has no sha256");
  CHECK(complaint("[[endpoint]]\nname = 'a'\nkind = 'reject:why'\nreason = 'no'") ==
        "3: endpoint.kind has ':'");
  CHECK(complaint("[[token]]\nname = 'a:b'\nsha256 = 'c'\nscopes = '*'") == "2: token.name has ':'");
  CHECK(complaint("[[token]]\nname = 'a'\nsha256 = 'c'\nscopes = [\n'*',\n'serve:a,admin']") ==
        "6: token.scopes has ','");
  std::string const hash(64, '0');
  CHECK(complaint("[[token]]\nname = 'a'\nsha256 = '" + hash + "'\nscopes = ['', '*']") != "none");
}

TEST_CASE("what is no TOML is named with its line") {
  CHECK(complaint("port = 1\nport = 2").starts_with("2: "));
  CHECK(complaint("port = 1\nthreads = ").starts_with("2: "));
  CHECK(complaint("[[endpoint]]\nname='a'\nname='b'").starts_with("3: "));
  CHECK(complaint("\xff = 1").starts_with("1: "));
  for (auto const* const no_key : {"[$", "[[$]]", "a.$ = 1", "a.", "[", "{"})
    CHECK_MESSAGE(complaint(no_key).starts_with("1: "), no_key);
  for (auto const* const unquoted : {"address = Jürgen", "port = 0ÿ", "port = 0 \uFCFF"})
    CHECK_MESSAGE(complaint(unquoted).starts_with("1: "), unquoted);
}

TEST_CASE("a file that cannot be read is named") {
  CHECK_THROWS_WITH_AS((void)read_config_file("/no/such.toml"), doctest::Contains("/no/such.toml"),
                       StartError);
  CHECK_THROWS_WITH_AS((void)read_config_file("/"), doctest::Contains("regular"), StartError);
}

}  // namespace reachback::service
