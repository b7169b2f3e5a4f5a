#include "gateway/scopes.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace reachback::gateway;

namespace {

constexpr std::array every_action = {Action::serve, Action::call, Action::send, Action::watch, Action::admin};

Scopes scopes(std::vector<std::string> const& texts) { return *Scopes::read(texts); }

}  // namespace

TEST_SUITE("scopes") {
  TEST_CASE("each allows its own action on its own endpoint, and nothing else") {
    struct Row {
      char const* scope;
      Action action;
    };
    for (Row const row : {Row{"serve:lab", Action::serve}, Row{"call:lab", Action::call},
                          Row{"send:lab", Action::send}, Row{"watch:lab", Action::watch}}) {
      auto const one = scopes({row.scope});
      CAPTURE(row.scope);
      for (Action const action : every_action) {
        CHECK(one.allow(action, "lab") == (action == row.action));
        for (auto const* const other : {"", "la", "labs", "LAB", "*"}) CHECK_FALSE(one.allow(action, other));
      }
    }
  }

  TEST_CASE("an asterisk for the endpoint stands for any") {
    auto const any = scopes({"call:*"});
    CHECK(any.allow(Action::call, "lab"));
    CHECK(any.allow(Action::call, "other"));
    for (Action const action : {Action::serve, Action::send, Action::watch, Action::admin})
      CHECK_FALSE(any.allow(action, "lab"));
  }

  TEST_CASE("admin is for everywhere, and for nothing but closing") {
    auto const admin = scopes({"admin"});
    CHECK(admin.allow(Action::admin, "lab"));
    CHECK(admin.allow(Action::admin, ""));
    for (Action const action : {Action::serve, Action::call, Action::send, Action::watch})
      CHECK_FALSE(admin.allow(action, "lab"));
  }

  TEST_CASE("an asterisk alone allows all, as a log-in does") {
    for (auto const& all : {scopes({"*"}), scopes({"call:lab", "*"}), Scopes::all()}) {
      for (Action const action : every_action) CHECK(all.allow(action, "lab"));
    }
  }

  TEST_CASE("several add up, and none allow nothing") {
    auto const two = scopes({"call:lab", "watch:other"});
    CHECK(two.allow(Action::call, "lab"));
    CHECK(two.allow(Action::watch, "other"));
    CHECK_FALSE(two.allow(Action::call, "other"));
    CHECK_FALSE(two.allow(Action::watch, "lab"));
    auto const none = scopes({});
    for (Action const action : every_action) CHECK_FALSE(none.allow(action, "lab"));
  }

  TEST_CASE("what is none is refused with its text") {
    for (std::string const text :
         {"", "call", "call:", ":lab", "calls:lab", "Call:lab", "admin:", "admin:lab", "*:lab", " *", "**",
          "serve:lab,*", "call:a b", "call:lab*", "call:**"}) {
      CAPTURE(text);
      auto const read = Scopes::read({"call:lab", text});
      REQUIRE(read.has_error());
      CHECK(read.error().text.starts_with("'" + text + "' is no scope"));
    }
  }

  TEST_CASE("are named as they are written") {
    CHECK(scope_of(Action::serve, "lab") == "serve:lab");
    CHECK(scope_of(Action::call, "lab") == "call:lab");
    CHECK(scope_of(Action::send, "lab") == "send:lab");
    CHECK(scope_of(Action::watch, "lab") == "watch:lab");
    CHECK(scope_of(Action::admin, "lab") == "admin");
  }
}
