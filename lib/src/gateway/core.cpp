#include "gateway/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "async/run_on.hpp"
#include "gateway/conversation.hpp"
#include "reachback/errors.hpp"

namespace reachback::gateway {
namespace {

constexpr std::size_t spare_descriptors = 256;

std::size_t connection_limit(Config const& config) {
  if (config.limits.connections != 0) return config.limits.connections;
  std::size_t const files = net::open_file_limit();
  return files > 2 * spare_descriptors ? files - spare_descriptors : files / 2;
}

/// Replicas behind one address must not use the same ids: a `connection=ID` meant for one must not match on
/// another.
std::uint64_t random_connection_id() {
  std::random_device random;
  std::uint64_t const high = random() & 0xfffff;
  return (high << 32) + 1;
}

Config checked(Config config) {
  check(config);
  return config;
}

std::vector<TokenConfig> tokens_of(Config const& config) {
  auto tokens = config.tokens;
  if (config.test_mode) tokens.push_back(known_token("test", "test"));
  return tokens;
}

/// Shared by the shards, each of which holds them until others come.
std::shared_ptr<JwtKeys const> jwt_keys_of(std::string_view jwk_set) {
  auto keys = JwtKeys::read(jwk_set);
  if (!keys) throw StartError(fmt::format("the file of JWT keys {}", keys.error().text));
  return std::make_shared<JwtKeys const>(*std::move(keys));
}

async::TaskGroup::Report reporter(Core const& core, std::string_view where) {
  return [&core, where](std::exception_ptr const& error) { core.report(error, where); };
}

}  // namespace

ShardScope::ShardScope(std::uint32_t index, async::Clock& clock, std::size_t call_budget,
                       std::size_t endpoints, JwtVerifier jwt_verifier,
                       async::TaskGroup::Report const& report)
    : shard(index, clock),
      callers(call_budget),
      calls(endpoints),
      jwts(std::move(jwt_verifier)),
      tasks(shard.strand(), report),
      ending(shard.strand(), report) {}

Core::Core(Config config, async::Clock& clock)
    : config_(checked(std::move(config))),
      clock_(clock),
      credentials_(tokens_of(config_), config_.cookie_key),
      client_certificates_(config_.client_certificates),
      tls_(config_.tls, [this](LogLevel level, std::string_view text) { log(level, text); }),
      trusted_proxies_(*TrustedProxies::read(config_.trusted_proxies)),
      parts_budget_(config_.limits.parts_budget),
      outboxes_budget_(config_.limits.outboxes_budget),
      receive_budget_(config_.limits.receive_budget),
      body_budget_(config_.limits.body_budget),
      regular_connections_(connection_limit(config_)),
      all_connections_(connection_limit(config_) + config_.limits.connection_reserve),
      event_streams_(config_.limits.event_streams),
      admission_(config_.limits, trusted_proxies_),
      started_at_(std::chrono::system_clock::now()),
      login_desk_(config_, clock_),
      next_connection_(random_connection_id()),
      tls_now_(tls_.context()) {}

Core::~Core() {
  if (threads_.empty()) return;
  stop_now();
  wait();
}

void Core::add_handler(BaseWebSocketHandler& handler) { given_handlers_.push_back(&handler); }

void Core::start() {
  if (auto const expires = tls_.expires()) {
    auto const warning = warning_about(config_.tls.certificate, *expires, std::chrono::system_clock::now());
    if (!warning.empty()) log(LogLevel::warning, warning);
  }
  std::size_t const endpoints = config_.endpoints.size() + given_handlers_.size();
  bool const no_keys = config_.jwt.keys.empty();
  JwtVerifier const jwts({config_.jwt.issuer, config_.jwt.audience},
                         no_keys ? std::make_shared<JwtKeys const>() : jwt_keys_of(config_.jwt.keys));
  for (unsigned i = 0; i < config_.threads; ++i) {
    scopes_.push_back(std::make_unique<ShardScope>(i, clock_, config_.limits.call_budget, endpoints, jwts,
                                                   reporter(*this, "an HTTP session")));
    set_up(*scopes_.back());
  }
  admission_.live_on(scopes_.front()->shard);
  make_endpoints();
  listen();
  auto& first = scopes_.front()->shard;
  end_event_ = std::make_unique<async::Signal>(first.strand());
  end_deadline_ = std::make_unique<async::Deadline>(first, [this] { end_event_->notify(); });
  end_tasks_ = std::make_unique<async::TaskGroup>(first.strand(), reporter(*this, "the shutdown"));
  listener_tasks_ = std::make_unique<async::TaskGroup>(first.strand(), reporter(*this, "the listener"));
  first.post([this] {
    listener_tasks_->spawn(listener_->run());
    phase_.store(Phase::ready, std::memory_order_release);
  });
  for (auto& scope : scopes_) threads_.emplace_back([&shard = scope->shard] { shard.run(); });
}

void Core::set_up(ShardScope& scope) {
  auto const& timeouts = config_.timeouts;
  scope.websockets = {.outbox_limit = config_.limits.outbox,
                      .ping_interval = timeouts.ping,
                      .silence_timeout = timeouts.silence,
                      .write_timeout = timeouts.write,
                      .close_timeout = timeouts.close,
                      .receive_budget = &receive_budget_,
                      .refusals = &scope.refusals};
  scope.http.limits = {.head = config_.limits.head, .body = config_.limits.request};
  scope.http.head_timeout = timeouts.head;
  scope.http.body_timeout = timeouts.body;
  scope.http.write_timeout = timeouts.write;
  scope.http.idle_timeout = timeouts.idle;
  scope.http.linger = timeouts.close;
  scope.http.body_budget = &body_budget_;
  scope.http.refusals = &scope.refusals;
}

void Core::make_endpoints() {
  std::vector<BaseWebSocketHandler*> handlers;
  for (auto const& endpoint : config_.endpoints) {
    auto const given = std::find_if(given_handlers_.begin(), given_handlers_.end(),
                                    [&](auto const* handler) { return handler->name() == endpoint.name; });
    if (given != given_handlers_.end()) continue;
    std::unique_ptr<BaseWebSocketHandler> handler;
    if (endpoint.kind == EndpointKind::reject) {
      auto reject = std::make_unique<RejectWebSocketHandler>();
      reject->initialize(endpoint.name, endpoint.reject_reason);
      handler = std::move(reject);
    } else {
      handler = endpoint.kind == EndpointKind::service ? std::make_unique<DataWebSocketHandler>()
                                                       : std::make_unique<BaseWebSocketHandler>();
      handler->initialize(endpoint.name, [](WebSocketClient const&, std::string_view) {});
    }
    handlers.push_back(handler.get());
    own_handlers_.push_back(std::move(handler));
  }
  handlers.insert(handlers.end(), given_handlers_.begin(), given_handlers_.end());
  for (auto* const handler : handlers) {
    check(handler->endpoint());
    std::size_t const index = endpoints_.size();
    auto& shard = scopes_[index % scopes_.size()]->shard;
    endpoints_.push_back(std::make_unique<Endpoint>(*this, shard, index, handler->endpoint(), *handler));
    auto& endpoint = *endpoints_.back();
    if (!by_name_.emplace(endpoint.name(), &endpoint).second) {
      throw StartError(fmt::format("endpoint {} is there twice", endpoint.name()));
    }
  }
}

void Core::listen() {
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(config_.address, error);
  if (error) throw StartError(fmt::format("'{}' is no address to listen on", config_.address));
  try {
    listener_ =
        std::make_unique<net::Listener>(scopes_.front()->shard, net::Tcp::endpoint(address, config_.port),
                                        all_connections_, static_cast<net::AcceptSink&>(*this));
  } catch (boost::system::system_error const& failure) {
    throw StartError(fmt::format("cannot listen on {} port {}: {}", config_.address, config_.port,
                                 failure.code().message()));
  }
  port_ = listener_->port();
}

void Core::set_jwt_keys(std::string_view jwk_set) {
  auto const keys = jwt_keys_of(jwk_set);
  log(LogLevel::info, fmt::format("JWT keys: {}, {} passed over", keys->size(), keys->passed_over()));
  for (auto& scope : scopes_) scope->shard.dispatch([&scope = *scope, keys] { scope.jwts.replace(keys); });
}

Endpoint* Core::find_endpoint(std::string_view name) const {
  auto const found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void Core::on_accept(net::LooseSocket socket, net::asio::ip::address const& peer, core::Permit permit) {
  Arrival arrival{std::move(socket), std::move(permit), {}, Standing::regular, {}};
  auto& refusals = scopes_.front()->refusals;
  auto place = admission_.enter(peer);
  if (!place || !place->within) {
    refusals.count(core::Bound::address_connection_limit);
    arrival.standing = Standing::over_address_limit;
  } else if (auto regular = regular_connections_.acquire(1)) {
    arrival.shares.regular = std::move(*regular);
  } else {
    refusals.count(core::Bound::connection_limit);
    arrival.standing = Standing::over_connection_limit;
  }
  if (!place) return;
  arrival.shares.address = std::move(place->permit);
  ShardScope& scope = *scopes_[next_shard_++ % scopes_.size()];
  arrival.tls = tls_now_;
  scope.shard.dispatch([this, &scope, arrival = std::move(arrival)]() mutable {
    scope.tasks.spawn(serve_session(scope, std::move(arrival)));
  });
}

void Core::on_failure(net::error_code error) {
  log(LogLevel::warning, fmt::format("connections wait to be accepted: {}", error.message()));
}

void Core::on_full() { scopes_.front()->refusals.count(core::Bound::connection_reserve); }

async::Task<> Core::serve_session(ShardScope& scope, Arrival arrival) {
  net::Stream stream(std::move(arrival.socket).attach(scope.shard));
  if (arrival.tls != nullptr) stream.secure(arrival.tls->session());
  auto conversation =
      std::make_unique<Conversation>(*this, scope, std::move(arrival.shares), arrival.standing);
  net::HttpSession session(scope.shard, std::move(stream), scope.http, std::move(arrival.permit),
                           std::move(conversation));
  scope.sessions.insert(&session);
  std::exception_ptr failure;
  try {
    co_await session.run();
  } catch (...) {
    failure = std::current_exception();
  }
  scope.sessions.erase(&session);
  if (failure) std::rethrow_exception(failure);
}

void Core::reload(ReloadReason reason) {
  auto fresh = tls_.reload(reason);
  if (fresh == nullptr) return;
  if (threads_.empty()) {
    tls_now_ = std::move(fresh);
    return;
  }
  scopes_.front()->shard.post([this, fresh = std::move(fresh)]() mutable { tls_now_ = std::move(fresh); });
}

// ---- the end ----

void Core::shut_down(core::Duration drain_wait) {
  if (threads_.empty()) return;
  scopes_.front()->shard.post([this, drain_wait] {
    drain_wait_ = drain_wait;
    begin_end();
  });
}

void Core::stop_now() {
  if (threads_.empty()) return;
  hurry_.store(true, std::memory_order_release);
  login_desk_.end();
  scopes_.front()->shard.post([this] {
    end_event_->notify();
    begin_end();
  });
}

void Core::begin_end() {
  if (std::exchange(ending_, true)) return;
  end_tasks_->spawn(end_in_order());
}

async::Task<> Core::end_in_order() {
  phase_.store(Phase::not_ready, std::memory_order_release);
  log(LogLevel::info, "shutting down: not ready any more");
  co_await pause(drain_wait_);
  phase_.store(Phase::draining, std::memory_order_release);
  log(LogLevel::info, "draining: no new calls and connections");
  for (auto& endpoint : endpoints_) {
    endpoint->shard().dispatch([&endpoint = *endpoint] { endpoint.say_goaway(); });
  }
  auto const now = scopes_.front()->shard.now();
  grace_until_ = now + config_.timeouts.drain_grace;
  co_await wait_until_none(&Endpoint::calls, grace_until_);
  // A service that was told to go joins elsewhere before it leaves. One that stays is closed with the rest.
  auto const leave_until = std::min(grace_until_, now + config_.timeouts.close);
  co_await wait_until_none(&Endpoint::paced_connections, leave_until);
  parts_left_ = endpoints_.size();
  for (auto& endpoint : endpoints_) {
    ShardScope& scope = *scopes_[endpoint->shard().index()];
    scope.shard.dispatch(
        [this, &scope, &endpoint = *endpoint] { scope.ending.spawn(end_endpoint(endpoint)); });
  }
  while (parts_left_ != 0) co_await end_event_->wait();
  listener_->stop();
  co_await listener_tasks_->join();
  login_desk_.end();
  parts_left_ = scopes_.size();
  for (auto& scope : scopes_) {
    scope->shard.dispatch([this, &scope = *scope] { scope.ending.spawn(end_sessions(scope)); });
  }
  while (parts_left_ != 0) co_await end_event_->wait();
  phase_.store(Phase::over, std::memory_order_release);
  log(LogLevel::info, "all connections are closed");
  for (auto& scope : scopes_) scope->shard.stop();
}

async::Task<> Core::end_endpoint(Endpoint& endpoint) {
  co_await endpoint.shut_down();
  part_ended();
}

// Complete answers may still be on their way to their callers: those get what is left of the grace, all
// others the time of a closing handshake.
async::Task<> Core::end_sessions(ShardScope& scope) {
  auto const stop_all = [&scope] {
    for (auto* const session : scope.sessions) session->stop();
  };
  auto const stop_unanswered = [&scope] {
    for (auto* const session : scope.sessions) {
      if (!session->began()) session->stop();
    }
  };
  async::Deadline patience(scope.shard, stop_unanswered);
  async::Deadline grace(scope.shard, stop_all);
  auto const shortest = scope.shard.now() + config_.timeouts.close;
  patience.set(shortest);
  grace.set(std::max(shortest, grace_until_));
  for (auto* const session : scope.sessions) session->drain();
  if (hurry_.load(std::memory_order_acquire)) stop_all();
  co_await scope.tasks.join();
  part_ended();
}

void Core::part_ended() {
  scopes_.front()->shard.dispatch([this] {
    --parts_left_;
    end_event_->notify();
  });
}

async::Task<> Core::pause(core::Duration duration) {
  end_deadline_->set_in(duration);
  while (end_deadline_->is_set() && !hurry_.load(std::memory_order_acquire)) co_await end_event_->wait();
  end_deadline_->clear();
}

async::Task<std::size_t> Core::sum_of(Count count) {
  std::size_t sum = 0;
  for (auto& endpoint : endpoints_) {
    auto const ask = [&endpoint = *endpoint, count] { return (endpoint.*count)(); };
    sum += co_await async::run_on(endpoint->shard(), ask);
  }
  co_return sum;
}

async::Task<> Core::wait_until_none(Count count, core::TimePoint until) {
  end_deadline_->set(until);
  while (end_deadline_->is_set() && !hurry_.load(std::memory_order_acquire)) {
    std::size_t const sum = co_await sum_of(count);
    if (sum == 0) break;
    co_await end_event_->wait();
  }
  end_deadline_->clear();
}

void Core::call_ended() {
  if (phase() != Phase::draining) return;
  scopes_.front()->shard.dispatch([this] { end_event_->notify(); });
}

void Core::wait() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Core::log(LogLevel level, std::string_view text) const {
  if (config_.log) config_.log(level, text);
}

void Core::report(std::exception_ptr error, std::string_view where) const {
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& exception) {
    log(LogLevel::error, fmt::format("{}: {}", where, exception.what()));
  } catch (...) {
    log(LogLevel::error, fmt::format("{}: an exception of unknown type", where));
  }
}

}  // namespace reachback::gateway
