#include "serve.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "reachback/gateway.hpp"
#include "watched_file.hpp"

#ifdef REACHBACK_MIMALLOC
#include <mimalloc.h>
#endif

namespace reachback::service {

namespace {

constexpr int ended_by_second_signal = 1;
/// How soon a certificate that was put in place without a word counts.
constexpr std::time_t seconds_between_looks = 60;

void raise_limit_of_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// The memory of each part of a big answer is freed and wanted again a moment later: to give it back to the
/// system in between costs a tenth of decoding it, and a millisecond at once. MIMALLOC_DECOMMIT_DELAY says
/// otherwise.
void keep_freed_memory_for_a_second() {
#ifdef REACHBACK_MIMALLOC
  constexpr long milliseconds = 1000;
  mi_option_set_default(mi_option_decommit_delay, milliseconds);
#endif
}

/// Takes SIGTERM and SIGINT on a thread of its own and ends the gateway accordingly; with files to reload,
/// SIGHUP and the time too. Blocks the signals for the thread that makes it and for all that are started
/// later, so that no other thread is interrupted.
class SignalWatch {
 public:
  enum class Reloads : std::uint8_t { no, yes };

  explicit SignalWatch(Reloads reloads) : reloads_(reloads) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    if (reloads == Reloads::yes) {
      sigaddset(&signals_, SIGHUP);
      std::signal(SIGHUP, SIG_DFL);
    }
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    // A shell starts background programs with SIGINT ignored, and an ignored signal never reaches sigwait.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }

  void start(Gateway& gateway, Config::Duration drain_wait) {
    thread_ = std::thread([this, &gateway, drain_wait] { watch(gateway, drain_wait); });
  }

  /// Call when the gateway has ended; gives the exit code.
  [[nodiscard]] int finish() {
    over_ = true;
    // Wakes the thread, which waits for a signal; every thread has blocked it.
    pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
    thread_.join();
    return exit_code_;
  }

 private:
  void watch(Gateway& gateway, Config::Duration drain_wait) {
    int const first = next(gateway);
    if (over_) return;
    gateway.shut_down(first == SIGTERM ? drain_wait : Config::Duration(0));
    next(gateway);
    if (over_) return;
    exit_code_ = ended_by_second_signal;
    gateway.stop_now();
    next(gateway);
    if (!over_) std::_Exit(ended_by_second_signal);
  }

  /// The next signal that ends something; serves the others meanwhile.
  int next(Gateway& gateway) {
    timespec const patience{.tv_sec = seconds_between_looks, .tv_nsec = 0};
    while (true) {
      int const signal = reloads_ == Reloads::yes ? sigtimedwait(&signals_, nullptr, &patience)
                                                  : sigwaitinfo(&signals_, nullptr);
      if (signal == SIGTERM || signal == SIGINT) return signal;
      if (signal == SIGHUP) gateway.reload(ReloadReason::asked);
      if (signal < 0 && errno == EAGAIN) gateway.reload(ReloadReason::timer);
    }
  }

  Reloads const reloads_;
  sigset_t signals_{};
  std::thread thread_;
  std::atomic<bool> over_ = false;
  int exit_code_ = 0;  // written by the thread, read after it has been joined
};

std::string url_of(std::string_view scheme, std::string const& address, std::uint16_t port) {
  bool const is_ipv6 = address.find(':') != address.npos;
  return fmt::format("{}://{}:{}", scheme, is_ipv6 ? '[' + address + ']' : address, port);
}

}  // namespace

int serve(Config config, std::string const& jwt_keys_file) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_limit_of_open_files();
  keep_freed_memory_for_a_second();
  bool const tls = !config.tls.certificate.empty();
  // A file of keys is looked at anyway: SIGHUP, which asks for that too, must not end the program.
  bool const reloads = tls || !jwt_keys_file.empty();
  SignalWatch signals(reloads ? SignalWatch::Reloads::yes : SignalWatch::Reloads::no);
  std::string const address = config.address;
  Config::Duration const drain_wait = config.timeouts.drain_wait;
  std::string jwt_keys = config.jwt.keys;
  auto const log = config.log;
  Gateway gateway(std::move(config));
  gateway.start();
  std::optional<FileWatch> watch;
  if (!jwt_keys_file.empty()) {
    auto const take = [&gateway](std::string_view keys) { gateway.set_jwt_keys(keys); };
    watch.emplace(WatchedFile(jwt_keys_file, std::move(jwt_keys), take, log));
  }
  signals.start(gateway, drain_wait);
  fmt::print("reachback: listening on {}\n", url_of(tls ? "https" : "http", address, gateway.port()));
  std::fflush(stdout);
  gateway.wait();
  return signals.finish();
}

}  // namespace reachback::service
