#include "gateway/event_stream.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::Task;
using gateway::Event;
using gateway::EventStream;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::turn;

namespace {

std::shared_ptr<Event const> event(std::string text) {
  auto made = std::make_shared<Event>();
  made->text = std::move(text);
  return made;
}

Task<> take_next(EventStream& stream, std::string& into) {
  auto const events = co_await stream.next();
  into = events.empty() ? "over" : "";
  for (auto const& one : events) into += one->text;
}

}  // namespace

TEST_SUITE("event stream") {
  TEST_CASE("brings what was published, in order, all that waits at once") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 100);
      EventStream::publish(stream, event("a"));
      EventStream::publish(stream, event("b"));
      auto const events = co_await stream->next();
      REQUIRE(events.size() == 2);
      CHECK(events[0]->text == "a");
      CHECK(events[1]->text == "b");
      std::string got;
      Beside waiting(bench.shard, take_next(*stream, got));
      co_await turn(bench.shard);
      CHECK_FALSE(waiting.over());
      EventStream::publish(stream, event("c"));
      co_await waiting.join();
      CHECK(got == "c");
    });
  }

  TEST_CASE("a subscriber that falls behind by more than the bound is cut off") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 10);
      EventStream::publish(stream, event("12345"));
      EventStream::publish(stream, event("67890"));
      auto const whole = co_await stream->next();
      CHECK(whole.size() == 2);
      for (std::string const text : {"12345", "67890", "x", "y"}) EventStream::publish(stream, event(text));
      auto const events = co_await stream->next();
      CHECK(events.empty());
    });
  }

  TEST_CASE("a subscriber that keeps up gets any number of events") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 10);
      for (int i = 0; i < 100; ++i) {
        EventStream::publish(stream, event("1234567890"));
        auto const events = co_await stream->next();
        REQUIRE(events.size() == 1);
      }
    });
  }

  TEST_CASE("one event of any size passes when nothing waits") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 10);
      EventStream::publish(stream, event(std::string(100, 'x')));
      auto const events = co_await stream->next();
      REQUIRE(events.size() == 1);
      CHECK(events[0]->size() == 100);
    });
  }

  TEST_CASE("what came before the end is still brought") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 100);
      EventStream::publish(stream, event("close"));
      EventStream::end(stream);
      auto const events = co_await stream->next();
      REQUIRE(events.size() == 1);
      CHECK(events[0]->text == "close");
      auto const nothing = co_await stream->next();
      CHECK(nothing.empty());
    });
  }

  TEST_CASE("there is room for a last word behind as much as may wait") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      auto const stream = std::make_shared<EventStream>(bench.shard, 10);
      EventStream::publish(stream, event("1234567890"));
      stream->stop(event("farewell"));
      auto const events = co_await stream->next();
      REQUIRE(events.size() == 2);
      CHECK(events[1]->text == "farewell");
      CHECK_FALSE(stream->cut_off());
      auto const nothing = co_await stream->next();
      CHECK(nothing.empty());
    });
  }

  TEST_CASE("end and stop wake who waits, and nothing comes afterwards") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      for (bool const by_end : {true, false}) {
        auto const stream = std::make_shared<EventStream>(bench.shard, 100);
        std::string got;
        Beside waiting(bench.shard, take_next(*stream, got));
        co_await turn(bench.shard);
        by_end ? EventStream::end(stream) : stream->stop();
        co_await waiting.join();
        CHECK(got == "over");
        EventStream::publish(stream, event("late"));
        auto const events = co_await stream->next();
        CHECK(events.empty());
      }
    });
  }

  TEST_CASE("events may come from another thread, which may be the last to hold the stream") {
    Bench bench;
    std::jthread publisher;
    on_shard(bench.shard, [&]() -> Task<> {
      auto stream = std::make_shared<EventStream>(bench.shard, 1 << 20);
      publisher = std::jthread([stream] {
        for (int i = 0; i < 1000; ++i) EventStream::publish(stream, event("x"));
        EventStream::publish(stream, event("."));
      });
      std::string all;
      while (!all.ends_with('.')) {
        auto const events = co_await stream->next();
        REQUIRE_FALSE(events.empty());
        for (auto const& one : events) all += one->text;
      }
      CHECK(all == std::string(1000, 'x') + ".");
    });
  }
}
