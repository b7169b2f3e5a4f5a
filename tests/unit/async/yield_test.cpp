#include <doctest/doctest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <string>
#include <utility>

#include "unit/async/on_shard.hpp"

using namespace reachback;
using async::Task;
using test::be_busy;
using test::Bench;
using test::Beside;
using test::on_shard;
using test::Page;
using test::turn;

TEST_SUITE("yield") {
  TEST_CASE("what a socket has brought is handled first, and what that has written is flushed") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      async::asio::basic_readable_pipe<async::Executor> reader(bench.shard.strand());
      async::asio::basic_writable_pipe<async::Executor> writer(bench.shard.strand());
      async::asio::connect_pipe(reader, writer);
      std::string order;
      Page page([&] { order += "flushed, "; });
      auto const read = [&]() -> Task<> {
        std::array<char, 1> letter{};
        co_await reader.async_read_some(async::asio::buffer(letter), async::use_task);
        order += "read, ";
        bench.shard.flush_later(page);
      };
      Beside reading(bench.shard, read());
      co_await turn(bench.shard);
      writer.write_some(async::asio::buffer("x", 1));
      co_await bench.shard.yield();
      CHECK(order == "read, flushed, ");
      co_await reading.join();
    });
  }

  TEST_CASE("those that yield take turns") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      std::string order;
      auto const write = [&](char letter) -> Task<> {
        for (int i = 0; i < 3; ++i) {
          order += letter;
          co_await bench.shard.yield();
        }
      };
      Beside a(bench.shard, write('a')), b(bench.shard, write('b')), c(bench.shard, write('c'));
      co_await a.join();
      co_await b.join();
      co_await c.join();
      CHECK(order == "abcabcabc");
    });
  }

  TEST_CASE("when they take long, everything else has its turn between any two of them") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      int slices = 0, others = 0;
      bool always_between = true;
      auto const work = [&]() -> Task<> {
        for (int i = 0; i < 5; ++i) {
          co_await bench.shard.yield();
          always_between = always_between && others == slices;
          ++slices;
          async::asio::post(bench.shard.strand(), [&] { ++others; });
          be_busy();
        }
      };
      Beside first(bench.shard, work()), second(bench.shard, work());
      co_await first.join();
      co_await second.join();
      CHECK(slices == 10);
      co_await test::until(bench.shard, [&] { return others == slices; });
      CHECK(always_between);
    });
  }

  TEST_CASE("what others have to send meanwhile is remembered for a while as company, and forgotten") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      Page page([] {});
      bench.shard.flush_later(page);
      co_await bench.shard.yield();
      CHECK_FALSE(bench.shard.has_company());
      async::asio::post(bench.shard.strand(), [&] { bench.shard.flush_later(page); });
      co_await bench.shard.yield();
      CHECK(bench.shard.has_company());
      co_await bench.shard.yield();
      CHECK(bench.shard.has_company());
      while (bench.shard.has_company()) co_await bench.shard.yield();
    });
  }

  TEST_CASE("who has yielded goes on after the shard was told to stop, too") {
    Bench bench;
    bool done = false;
    on_shard(bench.shard, [&]() -> Task<> {
      bench.shard.stop();
      for (int i = 0; i < 5; ++i) co_await bench.shard.yield();
      done = true;
    });
    CHECK(done);
  }

  TEST_CASE("who is cancelled meanwhile is resumed once, and hears it at its next wait") {
    Bench bench;
    on_shard(bench.shard, [&]() -> Task<> {
      int resumed = 0;
      auto const work = [&]() -> Task<> {
        co_await bench.shard.yield();
        ++resumed;
        co_await bench.shard.yield();
        ++resumed;
      };
      Beside working(bench.shard, work());
      co_await turn(bench.shard);
      working.cancel();
      co_await working.join();
      CHECK(working.failed());
      CHECK(resumed == 1);
    });
  }
}
