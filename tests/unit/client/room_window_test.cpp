#include "client/room_window.hpp"

#include <doctest/doctest.h>

#include <string>

using reachback::client::AnswerId;
using reachback::client::RoomWindow;
using reachback::client::Verdict;
using reachback::proto::CallId;
using reachback::proto::ConnectionId;

namespace {

/// Writes down who was told what, e.g. "a+" for a grant and "a-" for `gone`.
struct Log {
  std::string text;
  RoomWindow::Reply reply(char name) {
    return [this, name](Verdict verdict) {
      text += name;
      text += verdict == Verdict::granted ? '+' : '-';
    };
  }
};

/// A call of the one connection that most cases have.
AnswerId answer(std::uint64_t call) { return {.call = CallId{call}}; }

}  // namespace

TEST_CASE("room is granted up to the limit, the rest waits") {
  Log log;
  RoomWindow window(10);
  window.ask({}, 6, log.reply('a'));
  window.ask({}, 4, log.reply('b'));
  window.ask({}, 1, log.reply('c'));
  CHECK(log.text == "a+b+");
  CHECK(window.used() == 10);
  CHECK(window.waiting() == 1);
  window.give_back(4);
  CHECK(log.text == "a+b+c+");
}

TEST_CASE("who asked first is served first, even when a later one would fit") {
  Log log;
  RoomWindow window(10);
  window.ask({}, 6, log.reply('a'));
  window.ask({}, 9, log.reply('b'));
  window.ask({}, 1, log.reply('c'));
  CHECK(log.text == "a+");
  window.give_back(6);
  CHECK(log.text == "a+b+c+");
}

TEST_CASE("one part larger than the window passes alone") {
  Log log;
  RoomWindow window(10);
  window.ask({}, 1, log.reply('a'));
  window.ask({}, 50, log.reply('b'));
  CHECK(log.text == "a+");
  window.give_back(1);
  CHECK(log.text == "a+b+");
  window.ask({}, 1, log.reply('c'));
  CHECK(log.text == "a+b+");
  window.give_back(50);
  CHECK(log.text == "a+b+c+");
}

TEST_CASE("those who wait are turned away, what was granted comes back later") {
  Log log;
  RoomWindow window(10);
  window.ask({}, 10, log.reply('a'));
  window.ask({}, 1, log.reply('b'));
  window.ask({}, 2, log.reply('c'));
  window.turn_away(ConnectionId{});
  CHECK(log.text == "a+b-c-");
  CHECK(window.used() == 10);
  window.ask({}, 3, log.reply('d'));
  CHECK(window.waiting() == 1);
  window.give_back(10);
  CHECK(log.text == "a+b-c-d+");
  CHECK(window.used() == 3);
}

TEST_CASE("an answer that is cancelled waits no more and lets those behind it pass") {
  Log log;
  RoomWindow window(10);
  window.ask(answer(1), 6, log.reply('a'));
  window.ask(answer(2), 9, log.reply('b'));
  window.ask(answer(3), 3, log.reply('c'));
  window.ask(answer(2), 1, log.reply('d'));
  window.turn_away(answer(2));
  CHECK(log.text == "a+b-d-c+");
  // What it was granted comes back as it may.
  window.turn_away(answer(1));
  CHECK(window.used() == 9);
  CHECK(window.waiting() == 0);
}

TEST_CASE("answers of another connection wait on, also one with the same call") {
  Log log;
  RoomWindow window(10);
  AnswerId const here{ConnectionId{1}, CallId{5}}, elsewhere{ConnectionId{2}, CallId{5}};
  window.ask(here, 10, log.reply('a'));
  window.ask(here, 1, log.reply('b'));
  window.ask(elsewhere, 2, log.reply('c'));
  SUBCASE("when that answer is cancelled") { window.turn_away(here); }
  SUBCASE("when the connection is gone") { window.turn_away(ConnectionId{1}); }
  CHECK(log.text == "a+b-");
  CHECK(window.waiting() == 1);
  window.give_back(10);
  CHECK(log.text == "a+b-c+");
}
