// Log-ins from all shards at the one thread that checks passwords, up to and beyond the end.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/gateway_fixture.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr std::string_view xsrf = "0123456789abcdef0123456789abcdef";

Config config_with_users() {
  Config config = config_with_threads(4);
  config.test_mode = false;
  config.tokens = {known_token("test", "test")};
  config.limits.logins = 2;
  config.check_password = [](std::string_view user, std::string_view password) { return user == password; };
  return config;
}

HttpAnswer log_in(ScriptedCaller& caller, std::string const& name, std::string_view password) {
  std::string const form =
      "name=" + name + "&password=" + std::string(password) + "&_xsrf=" + std::string(xsrf);
  caller.request("POST", "/login", form, "Cookie: _xsrf=" + std::string(xsrf) + "\r\n");
  return caller.read_answer();
}

}  // namespace

TEST_CASE("log-ins on four shards each end once, also those that the end of the gateway meets") {
  GatewayFixture gateway(config_with_users());
  std::atomic<int> begun{0}, in{0}, wrong{0}, too_soon{0}, busy{0}, cut_off{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        try {
          for (int n = 0;; ++n) {
            auto caller = gateway.caller();
            std::string const user = "user" + std::to_string(i) + "-" + std::to_string(n);
            ++begun;
            auto const answer = log_in(caller, user, n % 3 == 2 ? "wrong" : user);
            if (answer.status == 302) {
              CHECK_FALSE(answer.field("Set-Cookie").empty());
              ++in;
            } else if (answer.status == 200) {
              ++wrong;
            } else {
              ++(answer.status == 429 ? too_soon : busy);
            }
          }
        } catch (StreamEnded const&) {
          ++cut_off;
        }
      });
    }
    // The failures from this one address soon make everybody there wait.
    CHECK(wait_until([&] { return in >= 10 && too_soon >= 20; }));
    gateway.gateway().shut_down(std::chrono::milliseconds(0));
    gateway.join();
  }
  CHECK(in + wrong + too_soon + busy + cut_off >= begun);
  CHECK(wrong > 0);
}
