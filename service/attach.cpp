#include "attach.hpp"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "attach_answers.hpp"
#include "reachback/remote_service.hpp"

namespace reachback::service {
namespace {

constexpr int ended_by_signal = 0;
constexpr int refused = 1;

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void block(sigset_t const& signals) { pthread_sigmask(SIG_BLOCK, &signals, nullptr); }

/// Takes the ending signals, which all threads have blocked, on a thread of its own: the first one ends the
/// service, the second one the process.
class EndOnSignal {
 public:
  template <class End>
  explicit EndOnSignal(End end) {
    thread_ = std::thread([this, end] {
      wait_for_one();
      if (done_) return;
      end();
      wait_for_one();
      if (!done_) std::_Exit(refused);
    });
  }
  ~EndOnSignal() {
    done_ = true;
    // Wakes the thread's sigwait; every thread has blocked it.
    pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
    thread_.join();
  }
  EndOnSignal(EndOnSignal const&) = delete;
  EndOnSignal& operator=(EndOnSignal const&) = delete;

 private:
  static void wait_for_one() {
    auto const signals = ending_signals();
    int which = 0;
    sigwait(&signals, &which);
  }

  std::atomic<bool> done_ = false;
  std::thread thread_;
};

RemoteServiceConfig config_of(AttachOptions const& options, LogFunction log) {
  RemoteServiceConfig config;
  config.host = options.host;
  config.port = options.port;
  config.tls = options.tls;
  config.ca_file = options.ca_file;
  config.certificate_file = options.certificate_file;
  config.key_file = options.key_file;
  config.endpoint = options.endpoint;
  config.user = options.user;
  config.password = options.password;
  config.token = options.token;
  config.read_token = options.read_token;
  config.workers = options.workers;
  config.log = std::move(log);
  config.attached = [&options] {
    bool const is_ipv6 = options.host.find(':') != std::string::npos;
    fmt::print("reachback: attached to {}://{}:{}/{}\n", options.tls ? "wss" : "ws",
               is_ipv6 ? '[' + options.host + ']' : options.host, options.port, options.endpoint);
    std::fflush(stdout);
  };
  return config;
}

}  // namespace

int attach(AttachOptions const& options, LogFunction log) {
  // First of all: the service's threads inherit the mask.
  block(ending_signals());
  ServedDirectory const directory(options.files);
  std::atomic<bool> ending = false;
  AttachAnswers const answers(directory, ending);
  RemoteService service(config_of(options, std::move(log)),
                        [&answers](std::string_view request) { return answers.answer(request); });
  EndOnSignal const signals([&ending, &service] {
    ending = true;
    service.stop();
  });
  return service.run() ? ended_by_signal : refused;
}

}  // namespace reachback::service
