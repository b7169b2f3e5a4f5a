#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "core/budget.hpp"
#include "core/login_throttle.hpp"
#include "reachback/config.hpp"

namespace reachback::gateway {

/// Somebody wants to log in.
struct LoginTry {
  std::string user, password;
  std::string address;  ///< the client's, without a port
};

/// What becomes of it.
struct LoginVerdict {
  enum class Kind : std::uint8_t {
    right,
    wrong,
    too_soon,    ///< after a failure; has not been looked at
    too_many,    ///< wait already
    unavailable  ///< the gateway ends, or passwords cannot be checked
  } kind = Kind::wrong;
  core::Duration wait{};  ///< of `too_soon`
};

/// Checks passwords off the shards, on one thread of its own, and makes others wait after a failure. In test
/// mode it knows the account test/test alone, which never has to wait.
class LoginDesk {
 public:
  /// Neither a user nor a password is longer.
  static constexpr std::size_t longest = 1024;

  LoginDesk(Config const& config, async::Clock& clock);
  ~LoginDesk();
  LoginDesk(LoginDesk const&) = delete;
  LoginDesk& operator=(LoginDesk const&) = delete;

  /// Any thread: from now on tries are refused unlooked at, also those that wait; the one that is being
  /// checked is waited for.
  void end() { ending_.store(true, std::memory_order_relaxed); }

  /// The tries that wait to be checked.
  [[nodiscard]] core::Budget const& waiting() const { return waiting_; }

  /// On any shard, which outlives the desk. A cancelled waiter throws operation_aborted.
  [[nodiscard]] async::Task<LoginVerdict> judge(LoginTry attempt);

 private:
  [[nodiscard]] LoginVerdict judge_here(LoginTry const& attempt);

  /// The thread, and what only it touches.
  struct Worker {
    Worker(Config const& config, async::Clock& clock);
    core::LoginThrottle throttle;
    async::Shard shard;
    std::jthread thread;
  };

  Config const& config_;
  core::Budget waiting_;
  std::atomic<bool> ending_{false};
  std::unique_ptr<Worker> worker_;  ///< none without users
};

}  // namespace reachback::gateway
