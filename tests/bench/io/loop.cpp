#include "bench/io/loop.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "bench/io/stream.hpp"

namespace reachback::bench {
namespace {

constexpr std::size_t scratch_size = 256 * 1024;
constexpr std::size_t most_events = 512;

}  // namespace

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), scratch_(scratch_size) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Loop::~Loop() {
  streams_.clear();
  buried_.clear();
  ::close(epoll_);
}

void Loop::watch(int descriptor, Handler& handler) { control(EPOLL_CTL_ADD, descriptor, handler); }

void Loop::rewatch(int descriptor, Handler& handler) { control(EPOLL_CTL_MOD, descriptor, handler); }

void Loop::control(int operation, int descriptor, Handler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_, operation, descriptor, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Loop::adopt(std::unique_ptr<Stream> stream) {
  auto const index = static_cast<std::size_t>(stream->descriptor());
  if (index >= streams_.size()) streams_.resize(index + 1);
  if (streams_[index]) buried_.push_back(std::move(streams_[index]));
  streams_[index] = std::move(stream);
}

void Loop::bury(Stream& stream) {
  auto& place = streams_[static_cast<std::size_t>(stream.descriptor())];
  if (place.get() == &stream) buried_.push_back(std::move(place));
}

int Loop::wait(std::span<epoll_event> events, int timeout_ms) const {
  auto const look = [&](int timeout) {
    return ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  };
  if (timeout_ms != 0 && awake_.count() > 0) {
    for (auto const end = std::chrono::steady_clock::now() + awake_;
         std::chrono::steady_clock::now() < end;) {
      if (int const count = look(0); count != 0) return count;
      ::sched_yield();
    }
  }
  return look(timeout_ms);
}

void Loop::turn(int timeout_ms) {
  std::array<epoll_event, most_events> events;
  int const count = wait(events, dirty_.empty() ? timeout_ms : 0);
  for (int i = 0; i < count; ++i) {
    auto const& event = events[static_cast<std::size_t>(i)];
    static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
  }
  flushing_.swap(dirty_);
  for (auto* const stream : flushing_) stream->flush();
  flushing_.clear();
  // What a flush made dirty again is flushed in the next turn, and it may be among the buried.
  if (dirty_.empty()) buried_.clear();
}

void Loop::turn_within(std::chrono::nanoseconds longest) {
  if (dirty_.empty() && longest.count() > 0) {
    auto const whole = std::chrono::duration_cast<std::chrono::seconds>(longest);
    timespec const time{.tv_sec = whole.count(), .tv_nsec = (longest - whole).count()};
    pollfd ready{.fd = epoll_, .events = POLLIN, .revents = 0};
    (void)::ppoll(&ready, 1, &time, nullptr);
  }
  turn(0);
}

}  // namespace reachback::bench
