#include "gateway/login_desk.hpp"

#include <exception>
#include <utility>

#include "async/run_on.hpp"
#include "gateway/secrets.hpp"

namespace reachback::gateway {
namespace {

constexpr std::string_view test_name = "test";

LoginVerdict verdict(bool right) {
  return {right ? LoginVerdict::Kind::right : LoginVerdict::Kind::wrong, {}};
}

bool is_test_account(LoginTry const& attempt) {
  bool const user_right = equal_in_constant_time(attempt.user, test_name);
  bool const password_right = equal_in_constant_time(attempt.password, test_name);
  return user_right && password_right;
}

}  // namespace

LoginDesk::Worker::Worker(Config const& config, async::Clock& clock)
    : throttle(config.timeouts.login_pause),
      shard(0, clock, async::Work::lengthy),
      thread([this] { shard.run(); }) {}

LoginDesk::LoginDesk(Config const& config, async::Clock& clock)
    : config_(config), waiting_(config.limits.logins) {
  if (!config_.test_mode && config_.check_password) worker_ = std::make_unique<Worker>(config, clock);
}

LoginDesk::~LoginDesk() {
  end();
  if (worker_) worker_->shard.stop();
}

async::Task<LoginVerdict> LoginDesk::judge(LoginTry attempt) {
  if (config_.test_mode) co_return verdict(is_test_account(attempt));
  bool const too_long = attempt.user.size() > longest || attempt.password.size() > longest;
  if (!worker_ || too_long) co_return verdict(false);
  auto permit = waiting_.acquire(1);
  LoginVerdict result{LoginVerdict::Kind::too_many, {}};
  if (!permit) co_return result;
  auto judge = [this, attempt = std::move(attempt), permit = std::move(*permit)] {
    return judge_here(attempt);
  };
  result = co_await async::run_on(worker_->shard, std::move(judge));
  co_return result;
}

// The pause is looked at here, just before the password is: of many tries that came at once, one is checked.
LoginVerdict LoginDesk::judge_here(LoginTry const& attempt) {
  if (ending_.load(std::memory_order_relaxed)) return {LoginVerdict::Kind::unavailable, {}};
  std::string fault = "an exception of unknown type";
  try {
    auto const wait = worker_->throttle.wait(attempt.user, attempt.address, worker_->shard.now());
    if (wait > core::Duration(0)) return {LoginVerdict::Kind::too_soon, wait};
    bool const right = config_.check_password(attempt.user, attempt.password);
    if (!right) worker_->throttle.failed(attempt.user, attempt.address, worker_->shard.now());
    return verdict(right);
  } catch (std::exception const& error) {
    fault = error.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): the text above says it
  }
  if (config_.log) config_.log(LogLevel::error, "passwords cannot be checked: " + fault);
  return {LoginVerdict::Kind::unavailable, {}};
}

}  // namespace reachback::gateway
