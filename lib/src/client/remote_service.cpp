#include "reachback/remote_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "async/clock.hpp"
#include "async/shard.hpp"
#include "async/signal.hpp"
#include "async/task_group.hpp"
#include "client/attachment.hpp"
#include "client/backoff.hpp"
#include "client/dialer.hpp"
#include "client/gateway_error.hpp"
#include "client/request_pool.hpp"
#include "client/tls_context.hpp"
#include "reachback/errors.hpp"

namespace reachback {
namespace {

using async::Task;

/// Gateways that are on their way out and still wait for answers of ours.
constexpr std::size_t most_leaving = 2;

client::Log log_of(RemoteServiceConfig const& config) {
  if (config.log) return config.log;
  return [](LogLevel, std::string_view) {};
}

/// These stand in the heads of our requests as they are.
void check_field(std::string_view setting, std::string_view value) {
  bool const clean = std::ranges::all_of(value, [](char letter) { return letter > ' ' && letter != '\x7f'; });
  if (!clean)
    throw StartError(fmt::format("{} holds a space or a letter that is not printable ASCII", setting));
}

client::TlsFiles files_of(RemoteServiceConfig const& config) {
  return {config.ca_file, config.certificate_file, config.key_file};
}

RemoteServiceConfig checked(RemoteServiceConfig config) {
  check_field("the host", config.host);
  check_field("the endpoint", config.endpoint);
  check_field("the token", config.token);
  if (config.host.empty()) throw StartError("the host is empty");
  if (config.endpoint.empty()) throw StartError("the endpoint is empty");
  if (config.workers == 0) throw StartError("a service needs at least one worker");
  if (!config.tls && !config.ca_file.empty()) throw StartError("there is a CA file, but no TLS");
  if (!config.tls && !config.certificate_file.empty()) throw StartError("there is a certificate, but no TLS");
  if (config.certificate_file.empty() != config.key_file.empty())
    throw StartError("a certificate and its key belong together");
  if (config.tls) static_cast<void>(client::TlsContext(files_of(config)).session_with(config.host));
  return config;
}

client::DialPlan plan_of(RemoteServiceConfig const& config) {
  client::DialPlan plan;
  plan.gateway = {config.host, config.port, config.tls};
  plan.files = files_of(config);
  plan.endpoint = config.endpoint;
  plan.user = config.user;
  plan.password = config.password;
  plan.token = config.token;
  return plan;
}

client::PoolLimits limits_of(RemoteServiceConfig const& config) {
  client::PoolLimits limits;
  limits.workers = config.workers;
  limits.waiting_requests = config.waiting_requests;
  return limits;
}

}  // namespace

/// One coroutine, `live`, dials and waits in turn; each connection has one of its own. `stop`, the deadlines
/// and what happens to the connections wake `live` wherever it is.
class RemoteService::Impl final : private client::AttachmentOwner {
 public:
  Impl(RemoteServiceConfig config, ServiceFunction function)
      : config_(checked(std::move(config))),
        log_(log_of(config_)),
        backoff_(config_.first_retry, config_.longest_retry),
        shard_(0, async::steady_clock(), async::Work::lengthy),  // the program's own functions
        dialer_(shard_, plan_of(config_)),
        pool_(shard_, std::move(function), limits_of(config_), log_),
        changed_(shard_.strand()),
        pause_(shard_, [this] { changed_.notify(); }),
        // What escapes from `live` leaves nobody who could end the service.
        life_(shard_.strand(), [](std::exception_ptr error) noexcept { std::rethrow_exception(error); }),
        dialling_(shard_.strand(), [this](std::exception_ptr error) { report(error); }),
        serving_(shard_.strand(), [this](std::exception_ptr error) { report(error); }) {}

  bool run() {
    life_.spawn(live());
    shard_.run();
    return !refused_;
  }

  void stop() {
    shard_.post([this] { end(); });
  }

 private:
  using Attachment = client::Attachment;

  Task<> live();
  Task<> dial();
  Task<> serve(std::unique_ptr<Attachment> attachment);
  Task<> until_another_is_needed();
  Task<> pause();
  void attach(client::Dialed dialed);
  void dial_no_more();
  void end();
  [[nodiscard]] bool renew_token();
  [[nodiscard]] bool has_new_token(std::string_view why);
  void dial_failed(client::DialFailure const& failure);
  void log_in_anew(std::string_view why);
  void refuse(std::string_view text);
  void report(std::exception_ptr const& error);

  void on_no_more_requests(Attachment& attachment) override;
  void on_gateway_error(Attachment& attachment, client::GatewayError const& error) override;

  RemoteServiceConfig const config_;
  client::Log const log_;
  client::Backoff backoff_;
  std::mt19937_64 random_{std::random_device{}()};
  async::Shard shard_;
  client::Dialer dialer_;
  client::RequestPool pool_;
  async::Signal changed_;
  async::Deadline pause_;
  async::TaskGroup life_;
  async::TaskGroup dialling_;
  async::TaskGroup serving_;
  std::vector<Attachment*> attachments_;  ///< those that are not over, in the order of their opening
  Attachment* current_ = nullptr;         ///< the one that brings new requests; null while there is none
  std::uint64_t connections_ = 0;         ///< ever opened
  bool at_once_ = false;                  ///< the next dial needs no pause
  bool ending_ = false;
  bool refused_ = false;
};

Task<> RemoteService::Impl::live() {
  while (!ending_) {
    dialling_.spawn(dial());
    co_await dialling_.join();
    co_await until_another_is_needed();
    if (!ending_ && !std::exchange(at_once_, false)) co_await pause();
  }
  co_await serving_.join();
  co_await pool_.drain();
  shard_.stop();
}

Task<> RemoteService::Impl::dial() {
  if (config_.read_token && !renew_token()) co_return;
  auto dialed = co_await dialer_.dial();
  if (ending_) co_return;
  if (dialed) {
    attach(std::move(*dialed));
  } else {
    dial_failed(dialed.error());
  }
}

/// False when the token cannot be had.
bool RemoteService::Impl::renew_token() {
  try {
    auto token = config_.read_token();
    check_field("the token", token);
    dialer_.use_token(std::move(token));
    return true;
  } catch (std::exception const& error) {
    log_(LogLevel::warning, error.what());
    return false;
  }
}

// A token that has been renewed meanwhile was not refused.
bool RemoteService::Impl::has_new_token(std::string_view why) {
  if (!config_.read_token) return false;
  auto const sent = dialer_.token();
  if (!renew_token() || dialer_.token() == sent) return false;
  log_(LogLevel::info, fmt::format("{}; there is a new token", why));
  return true;
}

void RemoteService::Impl::dial_failed(client::DialFailure const& failure) {
  if (failure.kind == client::DialFailure::Kind::unreachable) return log_(LogLevel::warning, failure.text);
  if (dialer_.credential() == client::Credential::kept_cookie) return log_in_anew(failure.text);
  if (!has_new_token(failure.text)) refuse(failure.text);
}

void RemoteService::Impl::attach(client::Dialed dialed) {
  client::AttachmentOwner& owner = *this;
  auto attachment = std::make_unique<Attachment>(shard_, pool_, log_, owner,
                                                 proto::ConnectionId(++connections_), std::move(dialed));
  for (auto* const older : attachments_) older->leave_when_done();
  current_ = attachment.get();
  attachments_.push_back(current_);
  // Before anybody else's code is called, which may throw.
  serving_.spawn(serve(std::move(attachment)));
  log_(LogLevel::info, fmt::format("attached to /{} at {}", config_.endpoint,
                                   client::Address{config_.host, config_.port, config_.tls}.origin()));
  if (config_.attached) config_.attached();
}

Task<> RemoteService::Impl::serve(std::unique_ptr<Attachment> attachment) {
  struct Gone {
    Impl& service;
    Attachment* attachment;
    ~Gone() {
      std::erase(service.attachments_, attachment);
      service.changed_.notify();
    }
  } const gone{*this, attachment.get()};
  co_await attachment->run();
  if (!ending_ && !attachment->told_to_go())
    log_(LogLevel::warning, fmt::format("the connection has closed (code {})", attachment->close_code()));
}

// While too many old gateways still wait for their answers, none of them is left in the lurch for a new one.
Task<> RemoteService::Impl::until_another_is_needed() {
  while (!ending_ && (current_ != nullptr || attachments_.size() > most_leaving)) co_await changed_.wait();
}

void RemoteService::Impl::on_no_more_requests(Attachment& attachment) {
  if (current_ != &attachment) return;
  current_ = nullptr;
  changed_.notify();
  auto const lasted = shard_.now() - attachment.opened_at();
  // One that lasted shows that the gateway is well; one that ends at once must not bring us back at once.
  if (lasted >= config_.longest_retry) backoff_.reset();
  at_once_ = attachment.told_to_go() && lasted >= config_.first_retry;
}

void RemoteService::Impl::on_gateway_error(Attachment& attachment, client::GatewayError const& error) {
  auto const text = fmt::format("the gateway says: {} (status {})", error.text, error.status);
  if (!error.refuses_credential()) return log_(LogLevel::warning, text);
  if (attachment.credential() == client::Credential::kept_cookie) {
    log_in_anew(text);
    attachment.close(proto::CloseCode::normal, "logging in again");
  } else if (has_new_token(text)) {
    attachment.close(proto::CloseCode::normal, "there is a new token");
  } else {
    refuse(text);
  }
}

Task<> RemoteService::Impl::pause() {
  auto const time = backoff_.next(random_);
  log_(LogLevel::info, fmt::format("next try in {} ms", time.count()));
  pause_.set_in(time);
  while (pause_.is_set()) co_await changed_.wait();
}

void RemoteService::Impl::dial_no_more() {
  ending_ = true;
  dialer_.cancel();
  pause_.clear();
  changed_.notify();
}

void RemoteService::Impl::end() {
  dial_no_more();
  for (auto* const attachment : attachments_)
    attachment->close(proto::CloseCode::going_away, "the service ends");
}

// A cookie of an earlier log-in may have expired: that is no refusal yet.
void RemoteService::Impl::log_in_anew(std::string_view why) {
  log_(LogLevel::info, fmt::format("{}; logging in again", why));
  dialer_.forget_cookie();
}

void RemoteService::Impl::refuse(std::string_view text) {
  log_(LogLevel::error, text);
  refused_ = true;
  dial_no_more();
  // A gateway that let us in before still waits for its answers.
  for (auto* const attachment : attachments_) attachment->leave_when_done();
}

void RemoteService::Impl::report(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& exception) {
    log_(LogLevel::error, fmt::format("the connection failed: {}", exception.what()));
  } catch (...) {
    log_(LogLevel::error, "the connection failed: an exception of unknown type");
  }
}

RemoteService::RemoteService(RemoteServiceConfig config, ServiceFunction function)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(function))) {}
RemoteService::~RemoteService() = default;

bool RemoteService::run() { return impl_->run(); }
void RemoteService::stop() { impl_->stop(); }

}  // namespace reachback
