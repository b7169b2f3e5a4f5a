#include "attach_answers.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "reachback/proto/md5.hpp"
#include "unit/attach/temporary_directory.hpp"

using namespace reachback;
using namespace reachback::service;
using namespace reachback::test;

namespace {

struct Served {
  TemporaryDirectory place;
  ServedDirectory directory{place.served()};
  std::atomic<bool> ending = false;
  AttachAnswers answers{directory, ending};

  [[nodiscard]] ServiceAnswer call(std::string_view attribute, std::string_view args,
                                   std::string_view more = "") const {
    std::string request = R"({"cmd":"rpc","class":"DataInterface","callId":1,"attribute":")";
    request.append(attribute).append("\",\"args\":").append(args).append(more).append("}");
    return answers.answer(request);
  }
};

std::string whole(ServiceAnswer& answer) {
  REQUIRE(answer.payload);
  return answer.payload->read(static_cast<std::size_t>(answer.payload->size()));
}

}  // namespace

TEST_CASE("getFile gives the file's bytes with their hash") {
  Served served;
  std::string const content("a\0b\xff", 4);
  served.place.write("deep/f.dat", content);
  auto answer = served.call("getFile", R"(["deep\/f.dat"])");
  REQUIRE(answer.payload);
  CHECK(answer.encoding == ServiceAnswer::Encoding::bytes);
  CHECK(answer.payload->size() == 4);
  CHECK(answer.payload->hash() == proto::md5_hex(content));
  CHECK(whole(answer) == content);
}

TEST_CASE("a file is read piece by piece from its begin, whatever the hashing read") {
  Served served;
  served.place.write("f", "abcdefg");
  auto answer = served.call("getFile", R"(["f"])");
  REQUIRE(answer.payload);
  static_cast<void>(answer.payload->hash());
  CHECK(answer.payload->read(3) == "abc");
  CHECK(answer.payload->read(3) == "def");
  CHECK(answer.payload->read(3) == "g");
  CHECK(answer.payload->read(3).empty());
}

TEST_CASE("a file that grows, shrinks or is written to meanwhile cannot be read on") {
  Served served;
  served.place.write("f", "abcdefg");
  auto answer = served.call("getFile", R"(["f"])");
  REQUIRE(answer.payload);
  static_cast<void>(answer.payload->hash());
  SUBCASE("grown") { served.place.write("f", "abcdefgh"); }
  SUBCASE("shrunk") { served.place.write("f", "abc"); }
  SUBCASE("written to") {
    std::filesystem::last_write_time(served.place.served() / "f",
                                     std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  }
  CHECK_THROWS_WITH(static_cast<void>(answer.payload->read(7)),
                    "the file has changed while it was being read");
  CHECK_THROWS_WITH(static_cast<void>(answer.payload->hash()),
                    "the file has changed while it was being read");
}

TEST_CASE("hashing is given up when the service ends") {
  Served served;
  served.place.write("f", "abc");
  auto answer = served.call("getFile", R"(["f"])");
  REQUIRE(answer.payload);
  served.ending = true;
  CHECK_THROWS_WITH(static_cast<void>(answer.payload->hash()), "the service ends");
}

TEST_CASE("what is no file below the directory is an error answer") {
  Served served;
  std::filesystem::create_directory(served.place.served() / "folder");
  REQUIRE(::mkfifo((served.place.served() / "fifo").c_str(), 0600) == 0);
  for (auto const* const args :
       {R"(["none"])", R"(["../served"])", R"(["/etc/passwd"])", R"(["folder"])", R"(["fifo"])"}) {
    auto const answer = served.call("getFile", args);
    CHECK_FALSE(answer.payload);
    CHECK(answer.status == 404);
    CHECK(answer.error.starts_with("getFile '"));
  }
  for (auto const* const args : {"[]", "[1]", "[[\"f\"]]", R"(["a","b"])", "null", "{}", "\"f\""}) {
    auto const answer = served.call("getFile", args);
    CHECK_FALSE(answer.payload);
    CHECK(answer.status == 400);
  }
}

TEST_CASE("listFiles gives the names by pattern as JSON") {
  Served served;
  served.place.write("a.txt", "x");
  served.place.write("q\"uote.txt", "x");
  served.place.write("b.dat", "x");
  auto all = served.call("listFiles", "[]");
  CHECK(all.encoding == ServiceAnswer::Encoding::json);
  CHECK(whole(all) == R"(["a.txt","b.dat","q\"uote.txt"])");
  auto some = served.call("listFiles", R"(["*.dat"])");
  CHECK(whole(some) == R"(["b.dat"])");
  auto none = served.call("listFiles", R"(["x*"])");
  CHECK(whole(none) == "[]");
  CHECK(served.call("listFiles", "[7]").status == 400);
}

TEST_CASE("echo gives its argument back as it stands") {
  Served served;
  for (auto const* const value :
       {"\"hi\"", "1.50", "null", "[1, {\"a\":[]}]", "{\"cmd\":\"x\",\"args\":[1,2]}", "\"\\ud800\"",
        "123456789012345678901234567890", "\"encodedBytes_0\""}) {
    auto answer = served.call("echo", std::string("[ ") + value + " ]");
    REQUIRE(answer.payload);
    CHECK(answer.encoding == ServiceAnswer::Encoding::json);
    CHECK(whole(answer) == value);
  }
}

TEST_CASE("echo gives bytes back as bytes") {
  Served served;
  auto answer =
      served.call("echo", R"(["encodedBytes_0"])", R"(,"encodedBytes_0":"AP8\/","encodedByteArgs":[0])");
  REQUIRE(answer.payload);
  CHECK(answer.encoding == ServiceAnswer::Encoding::bytes);
  CHECK(whole(answer) == std::string("\0\xff\x3f", 3));
  auto const broken = served.call("echo", R"(["encodedBytes_0"])", R"(,"encodedBytes_0":"A")");
  CHECK_FALSE(broken.payload);
  CHECK(broken.status == 400);
}

TEST_CASE("echo without an argument or with two is an error answer") {
  Served served;
  for (auto const* const args : {"[]", "[ ]", "[1,2]", "null", "{\"a\":1}"}) {
    auto const answer = served.call("echo", args);
    CHECK_FALSE(answer.payload);
    CHECK(answer.status == 400);
  }
}

TEST_CASE("anything else is an error answer that names the attribute") {
  Served served;
  auto const unknown = served.call("putFile", "[]");
  CHECK(unknown.status == 400);
  CHECK(unknown.error.find("putFile") != std::string::npos);
  auto const other_class =
      served.answers.answer(R"({"cmd":"rpc","class":"Other","attribute":"getFile","args":["a"],"callId":1})");
  CHECK(other_class.error.find("getFile") != std::string::npos);
  auto const other_cmd = served.answers.answer(R"({"cmd":"ping","callId":1})");
  CHECK(other_cmd.error.find("ping") != std::string::npos);
  CHECK(served.answers.answer(R"({"cmd":"rpc","callId":1})").status == 400);
}
