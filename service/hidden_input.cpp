#include "hidden_input.hpp"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "reachback/errors.hpp"

namespace reachback::service {
namespace {

constexpr std::array ending_signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

volatile std::sig_atomic_t received = 0;

/// Has signals end a read instead of the process.
class SignalsEndReads {
 public:
  SignalsEndReads() {
    struct sigaction take{};
    take.sa_handler = [](int signal) { received = signal; };
    for (std::size_t i = 0; i < old_.size(); ++i) ::sigaction(ending_signals[i], &take, &old_[i]);
  }
  ~SignalsEndReads() {
    for (std::size_t i = 0; i < old_.size(); ++i) ::sigaction(ending_signals[i], &old_[i], nullptr);
  }
  SignalsEndReads(SignalsEndReads const&) = delete;
  SignalsEndReads& operator=(SignalsEndReads const&) = delete;

 private:
  std::array<struct sigaction, ending_signals.size()> old_{};
};

class WithoutEcho {
 public:
  WithoutEcho() {
    ::tcgetattr(STDIN_FILENO, &old_);
    termios silent = old_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~WithoutEcho() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &old_); }
  WithoutEcho(WithoutEcho const&) = delete;
  WithoutEcho& operator=(WithoutEcho const&) = delete;

 private:
  termios old_{};
};

/// The next line; false at the end of the input or after a signal.
bool read_line(std::string& line) {
  SignalsEndReads const signals;
  WithoutEcho const silence;
  for (char c = 0; received == 0 && ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c == '\n') return true;
    line += c;
  }
  return false;
}

}  // namespace

std::string read_hidden(std::string const& prompt) {
  fmt::print(stderr, "{}", prompt);
  std::string line;
  bool const whole = read_line(line);
  fmt::print(stderr, "\n");
  if (received != 0) std::raise(received);
  if (!whole) throw StartError("the input ended");
  return line;
}

}  // namespace reachback::service
