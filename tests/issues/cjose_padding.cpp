// cjose ends the process over a key with `=` behind 4n+1 letters.
#include <cjose/cjose.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

TEST_CASE(
    "cjose still ends the process over such a key (when this fails: drop encoded_members in jwt_keys.cpp)") {
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // doctest would report it
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    constexpr std::string_view key = R"({"kty":"oct","k":"aaaaa=M"})";
    (void)cjose_jwk_import(key.data(), key.size(), nullptr);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}
