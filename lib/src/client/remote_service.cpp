#include "reachback/remote_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "async/clock.hpp"
#include "async/shard.hpp"
#include "async/signal.hpp"
#include "async/task_group.hpp"
#include "client/backoff.hpp"
#include "client/dialer.hpp"
#include "client/gateway_error.hpp"
#include "client/request_pool.hpp"
#include "client/tls_context.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/subprotocol.hpp"

namespace reachback {
namespace {

using async::Task;

/// A gateway takes requests up to 64 MiB and adds their `callId` (wire-protocol.md, 6).
constexpr std::size_t message_limit = (64u << 20) + 1024;
/// The window of the answers, and errors beside it.
constexpr std::size_t outbox_limit = 64u << 20;

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

RemoteServiceConfig checked(RemoteServiceConfig config) {
  check_field("the host", config.host);
  check_field("the endpoint", config.endpoint);
  check_field("the token", config.token);
  if (config.host.empty()) throw StartError("the host is empty");
  if (config.endpoint.empty()) throw StartError("the endpoint is empty");
  if (config.workers == 0) throw StartError("a service needs at least one worker");
  if (!config.tls && !config.ca_file.empty()) throw StartError("there is a CA file, but no TLS");
  if (config.tls) static_cast<void>(client::TlsContext(config.ca_file).session_with(config.host));
  return config;
}

client::DialPlan plan_of(RemoteServiceConfig const& config) {
  client::DialPlan plan;
  plan.gateway = {config.host, config.port, config.tls};
  plan.ca_file = config.ca_file;
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

net::ConnectionSettings connection_settings() {
  net::ConnectionSettings settings;
  settings.outbox_limit = outbox_limit;
  return settings;
}

}  // namespace

/// One coroutine, `live`, dials, serves and waits in turn; `stop` and the deadlines wake it wherever it is.
class RemoteService::Impl final : private net::ConnectionSink {
 public:
  Impl(RemoteServiceConfig config, ServiceFunction function)
      : config_(checked(std::move(config))),
        log_(log_of(config_)),
        connection_settings_(connection_settings()),
        backoff_(config_.first_retry, config_.longest_retry),
        shard_(0, async::steady_clock()),
        dialer_(shard_, plan_of(config_)),
        pool_(shard_, std::move(function), limits_of(config_), log_),
        pause_over_(shard_.strand()),
        pause_(shard_, [this] { pause_over_.notify(); }),
        // What escapes from `live` leaves nobody who could end the service.
        life_(shard_.strand(), [](std::exception_ptr error) noexcept { std::rethrow_exception(error); }),
        attempt_(shard_.strand(), [this](std::exception_ptr error) { report(error); }) {}

  bool run() {
    life_.spawn(live());
    shard_.run();
    return !refused_;
  }

  void stop() {
    shard_.post([this] { end(); });
  }

 private:
  Task<> live();
  Task<> attempt();
  Task<> serve(client::Dialed dialed);
  Task<> pause();
  void end();
  void dial_failed(client::DialFailure const& failure);
  void refuse(std::string_view text);
  void report(std::exception_ptr const& error);
  void obey(proto::ControlMessage const& message);

  void on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                  core::Buffer message) override;
  void on_leave(net::WebSocketConnection& connection) override;

  RemoteServiceConfig const config_;
  client::Log const log_;
  net::ConnectionSettings const connection_settings_;
  client::Backoff backoff_;
  std::mt19937_64 random_{std::random_device{}()};
  async::Shard shard_;
  client::Dialer dialer_;
  client::RequestPool pool_;
  async::Signal pause_over_;
  async::Deadline pause_;
  async::TaskGroup life_;
  async::TaskGroup attempt_;
  net::WebSocketConnection* connection_ = nullptr;  ///< the open one
  core::Pacing pacing_ = core::Pacing::none;        ///< its
  std::uint64_t connections_ = 0;                   ///< ever opened
  bool ending_ = false;
  bool refused_ = false;
};

Task<> RemoteService::Impl::live() {
  while (!ending_) {
    attempt_.spawn(attempt());
    co_await attempt_.join();
    if (!ending_) co_await pause();
  }
  co_await pool_.drain();
  shard_.stop();
}

Task<> RemoteService::Impl::attempt() {
  auto dialed = co_await dialer_.dial();
  if (ending_) co_return;
  if (!dialed) {
    dial_failed(dialed.error());
    co_return;
  }
  auto const opened = shard_.now();
  co_await serve(std::move(*dialed));
  // One that lasted shows that the gateway is well; one that ends at once must not bring us back at once.
  if (shard_.now() - opened >= config_.longest_retry) backoff_.reset();
}

void RemoteService::Impl::dial_failed(client::DialFailure const& failure) {
  if (failure.kind == client::DialFailure::Kind::refused) return refuse(failure.text);
  log_(LogLevel::warning, failure.text);
}

Task<> RemoteService::Impl::serve(client::Dialed dialed) {
  net::WebSocketConnection connection(shard_, std::move(dialed.stream), proto::ConnectionId(++connections_),
                                      connection_settings_, *this);
  connection.open_as_client(message_limit);
  connection_ = &connection;
  pacing_ = dialed.pacing;
  pool_.open(connection, pacing_);
  log_(LogLevel::info, fmt::format("attached to /{} at {}", config_.endpoint,
                                   client::Address{config_.host, config_.port, config_.tls}.origin()));
  if (config_.attached) config_.attached();
  co_await connection.run(std::move(dialed.rest));
  if (!ending_)
    log_(LogLevel::warning, fmt::format("the connection has closed (code {})", connection.close_code()));
}

Task<> RemoteService::Impl::pause() {
  auto const time = backoff_.next(random_);
  log_(LogLevel::info, fmt::format("next try in {} ms", time.count()));
  pause_.set_in(time);
  while (pause_.is_set()) co_await pause_over_.wait();
}

void RemoteService::Impl::end() {
  if (ending_) return;
  ending_ = true;
  dialer_.cancel();
  pause_.clear();
  pause_over_.notify();
  if (connection_ != nullptr) connection_->close(proto::CloseCode::going_away, "the service ends");
}

void RemoteService::Impl::refuse(std::string_view text) {
  // A cookie of an earlier log-in may have expired: that is no refusal yet.
  if (dialer_.credential() == client::Dialer::Credential::kept_cookie) {
    log_(LogLevel::info, fmt::format("{}; logging in again", text));
    dialer_.forget_cookie();
    if (connection_ != nullptr) connection_->close(proto::CloseCode::normal, "logging in again");
    return;
  }
  log_(LogLevel::error, text);
  refused_ = true;
  end();
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

void RemoteService::Impl::on_message(net::WebSocketConnection&, core::MessageKind, core::Buffer message) {
  if (pacing_ == core::Pacing::credits) {
    if (auto const control = proto::read_control_message(message.view())) return obey(*control);
  }
  auto const error = client::read_gateway_error(message.view());
  if (!error) return pool_.take(std::move(message));
  auto const text = fmt::format("the gateway says: {} (status {})", error->text, error->status);
  if (error->refuses_credential()) return refuse(text);
  log_(LogLevel::warning, text);
}

void RemoteService::Impl::obey(proto::ControlMessage const& message) {
  switch (message.kind) {
    case proto::ControlMessage::Kind::credit:
      return pool_.credit(message.call_id, message.parts);
    case proto::ControlMessage::Kind::cancel:
      return pool_.cancel(message.call_id);
    case proto::ControlMessage::Kind::goaway:
      log_(LogLevel::info, "the gateway is about to close: no new requests come");
  }
}

void RemoteService::Impl::on_leave(net::WebSocketConnection&) {
  connection_ = nullptr;
  pool_.leave();
}

RemoteService::RemoteService(RemoteServiceConfig config, ServiceFunction function)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(function))) {}
RemoteService::~RemoteService() = default;

bool RemoteService::run() { return impl_->run(); }
void RemoteService::stop() { impl_->stop(); }

}  // namespace reachback
