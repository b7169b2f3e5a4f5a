#include "core/outbox.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

using namespace reachback::core;

namespace {

OutMessage message(std::string_view body, std::string head = {}) {
  OutMessage made;
  made.head = std::move(head);
  made.body = Buffer(body);
  return made;
}

std::string text(Fragment const& fragment) { return std::string(fragment.head) + std::string(fragment.body); }

/// Takes the next fragment out and returns its text.
std::string take(Outbox& outbox, std::size_t max) {
  auto const fragment = outbox.next_fragment(max);
  REQUIRE(fragment.has_value());
  std::string taken = text(*fragment);
  outbox.pop_fragment(*fragment);
  return taken;
}

constexpr std::size_t whole = 1 << 20;

}  // namespace

TEST_SUITE("outbox") {
  TEST_CASE("messages leave in the order in which they were queued, numbered from 1") {
    Outbox outbox(1000);
    CHECK(outbox.push(message("one")) == MessageNumber{1});
    CHECK(outbox.push(message("two")) == MessageNumber{2});
    CHECK(outbox.bytes() == 6);
    CHECK(take(outbox, whole) == "one");
    CHECK(take(outbox, whole) == "two");
    CHECK(outbox.empty());
    CHECK(outbox.bytes() == 0);
    CHECK_FALSE(outbox.next_fragment(whole).has_value());
    CHECK(outbox.push(message("three")) == MessageNumber{3});
  }

  TEST_CASE("an empty outbox takes any one message, and then only what fits") {
    Outbox outbox(1000);
    CHECK(outbox.fits(5000));
    outbox.push(message(std::string(5000, 'x')));
    CHECK_FALSE(outbox.fits(0));
    CHECK(take(outbox, 10'000).size() == 5000);
    CHECK(outbox.fits(5000));
  }

  TEST_CASE("the bound is inclusive") {
    Outbox outbox(1000);
    outbox.push(message(std::string(600, 'x')));
    CHECK(outbox.fits(400));
    CHECK_FALSE(outbox.fits(401));
    outbox.push(message(std::string(400, 'x')));
    CHECK_FALSE(outbox.fits(1));
  }

  TEST_CASE("a message in the middle counts whole until its last piece is taken") {
    Outbox outbox(1000);
    outbox.push(message(std::string(1000, 'x')));
    CHECK(take(outbox, 999).size() == 999);
    CHECK(outbox.bytes() == 1000);
    CHECK_FALSE(outbox.fits(1));
    CHECK(take(outbox, 999).size() == 1);
    CHECK(outbox.bytes() == 0);
    CHECK(outbox.fits(1));
  }

  TEST_CASE("empty messages cannot pile up without end") {
    Outbox outbox(10 * Outbox::min_charge);
    int taken = 0;
    for (; taken < 1000 && outbox.fits(0); ++taken) outbox.push(message(""));
    CHECK(taken == 10);
    CHECK(outbox.bytes() == 0);
    CHECK(take(outbox, whole).empty());
    CHECK(outbox.fits(0));
  }

  TEST_CASE("fragments have the asked size, and the head goes before the body") {
    std::string const expected = "{\"callId\":7,\"cmd\":1}";
    for (std::size_t max = 1; max <= expected.size() + 1; ++max) {
      CAPTURE(max);
      Outbox outbox(1000);
      OutMessage spliced = message("{\"cmd\":1}", "{\"callId\":7,");
      spliced.body_from = 1;
      outbox.push(std::move(spliced));
      CHECK(outbox.bytes() == expected.size());
      std::string joined;
      while (auto const fragment = outbox.next_fragment(max)) {
        CHECK(fragment->first == joined.empty());
        CHECK(text(*fragment).size() == std::min(max, expected.size() - joined.size()));
        joined += text(*fragment);
        CHECK((fragment->position == FramePosition::last) == (joined.size() == expected.size()));
        outbox.pop_fragment(*fragment);
      }
      CHECK(joined == expected);
    }
  }

  TEST_CASE("an empty message is one fragment, first and last") {
    Outbox outbox(1000);
    outbox.push(message(""));
    auto const fragment = outbox.next_fragment(64);
    REQUIRE(fragment.has_value());
    CHECK(fragment->first);
    CHECK(fragment->position == FramePosition::last);
    CHECK(text(*fragment).empty());
    outbox.pop_fragment(*fragment);
    CHECK(outbox.empty());
  }

  TEST_CASE("the kind of a message goes with each of its fragments") {
    Outbox outbox(1000);
    OutMessage binary = message("abcdef");
    binary.kind = MessageKind::binary;
    outbox.push(std::move(binary));
    outbox.push(message("text"));
    for (auto const kind : {MessageKind::binary, MessageKind::binary, MessageKind::text}) {
      auto const fragment = outbox.next_fragment(4);
      REQUIRE(fragment.has_value());
      CHECK(fragment->kind == kind);
      outbox.pop_fragment(*fragment);
    }
  }

  TEST_CASE("a ready frame is offered for a whole message alone") {
    auto const frame = std::make_shared<std::string const>("##to all");
    auto const shared = [&](std::string head = {}) {
      OutMessage made;
      made.head = std::move(head);
      made.body = SharedBytes{frame, std::string_view(*frame).substr(2), *frame};
      return made;
    };
    Outbox outbox(1000);
    outbox.push(shared());
    CHECK(outbox.next_fragment(6)->frame == "##to all");
    auto const piece = outbox.next_fragment(5);
    CHECK(piece->frame.empty());
    outbox.pop_fragment(*piece);
    CHECK(outbox.next_fragment(100)->frame.empty());
    CHECK(take(outbox, whole) == "l");
    outbox.push(shared("head "));
    CHECK(outbox.next_fragment(100)->frame.empty());
    CHECK(take(outbox, whole) == "head to all");
    outbox.push(message("of one's own"));
    CHECK(outbox.next_fragment(100)->frame.empty());
  }

  TEST_CASE("a broadcast's bytes are shared and let go with the last outbox") {
    auto const bytes = std::make_shared<std::string const>("to all");
    Outbox one(1000), two(1000);
    for (Outbox* outbox : {&one, &two}) {
      OutMessage shared;
      shared.body = SharedBytes{bytes, *bytes};
      outbox->push(std::move(shared));
    }
    CHECK(bytes.use_count() == 3);
    auto const fragment = one.next_fragment(whole);
    REQUIRE(fragment.has_value());
    CHECK(fragment->body.data() == bytes->data());
    CHECK(take(one, whole) == "to all");
    CHECK(take(two, whole) == "to all");
    CHECK(bytes.use_count() == 1);
  }

  TEST_CASE("a message can be taken back before its first frame") {
    Outbox outbox(1000);
    auto const one = outbox.push(message("one"));
    auto const two = outbox.push(message("two"));
    auto const three = outbox.push(message("three"));
    CHECK(outbox.untouched(two));
    CHECK(outbox.revoke(two));
    CHECK_FALSE(outbox.untouched(two));
    CHECK_FALSE(outbox.revoke(two));
    CHECK(outbox.bytes() == 8);
    CHECK(outbox.revoke(one));
    CHECK(take(outbox, whole) == "three");
    CHECK_FALSE(outbox.revoke(three));
  }

  TEST_CASE("a fragment that was only looked at leaves its message untouched") {
    Outbox outbox(1000);
    auto const number = outbox.push(message("one"));
    REQUIRE(outbox.next_fragment(2).has_value());
    CHECK(outbox.untouched(number));
    CHECK(outbox.revoke(number));
    CHECK(outbox.empty());
  }

  TEST_CASE("after its first frame a message stays until its end") {
    Outbox outbox(1000);
    auto const number = outbox.push(message("one"));
    auto const next = outbox.push(message("two"));
    CHECK(take(outbox, 1) == "o");
    CHECK_FALSE(outbox.untouched(number));
    CHECK_FALSE(outbox.revoke(number));
    CHECK(outbox.untouched(next));
    CHECK(take(outbox, whole) == "ne");
    CHECK(outbox.untouched(next));
    CHECK(outbox.revoke(next));
    CHECK(outbox.empty());
  }

  TEST_CASE("a number that never was is neither here nor revocable") {
    Outbox outbox(1000);
    outbox.push(message("one"));
    for (auto const number : {MessageNumber::none, MessageNumber{2}}) {
      CHECK_FALSE(outbox.untouched(number));
      CHECK_FALSE(outbox.revoke(number));
    }
  }

  TEST_CASE("a message's share of the budget comes back when it leaves or is taken back") {
    Budget budget(100);
    Outbox outbox(1000);
    auto const queue = [&](std::string_view body) {
      OutMessage made = message(body);
      auto permit = budget.acquire(body.size());
      REQUIRE(permit.has_value());
      made.permit = std::move(*permit);
      return outbox.push(std::move(made));
    };
    queue("12345");
    auto const second = queue("123");
    CHECK(budget.used() == 8);
    CHECK(take(outbox, 2) == "12");
    CHECK(budget.used() == 8);
    CHECK(take(outbox, 100) == "345");
    CHECK(budget.used() == 3);
    CHECK(outbox.revoke(second));
    CHECK(budget.used() == 0);
  }
}
