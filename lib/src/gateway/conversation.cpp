#include "gateway/conversation.hpp"

#include <fmt/format.h>

#include "gateway/routes.hpp"

namespace reachback::gateway {

Conversation::Conversation(Core& core, ShardScope& scope, ConnectionShares shares, Standing standing)
    : core_(core),
      scope_(scope),
      shares_(std::move(shares)),
      standing_(standing),
      caller_(scope.shard, scope.callers) {}

net::Task<> Conversation::handle(net::HttpSession& session) {
  if (core_.draining()) session.drain();
  return answer(exchange_for(session));
}

Exchange& Conversation::exchange_for(net::HttpSession& session) {
  if (!exchange_ || head_number_ != session.head_number()) {
    exchange_.emplace(Exchange{core_, scope_, caller_, session, shares_, last_token_});
    plan(*exchange_);
    head_number_ = session.head_number();
  }
  return *exchange_;
}

net::Task<> Conversation::answer(Exchange& exchange) {
  if (exchange.target.path.empty()) {
    return exchange.refuse(Problem::bad_request, "the request target is malformed");
  }
  if (standing_ != Standing::regular && !is_probe(exchange.target)) return refuse_for_standing(exchange);
  return route(exchange);
}

net::Task<> Conversation::refuse_for_standing(Exchange& exchange) {
  exchange.session.drain();
  if (standing_ == Standing::over_address_limit) return exchange.refuse_address();
  return exchange.refuse(Problem::overloaded, "the connection limit is reached");
}

net::Task<> Conversation::failed(net::HttpSession& session, std::exception_ptr mistake) {
  if (!exchange_ || head_number_ != session.head_number()) std::rethrow_exception(std::move(mistake));
  core_.report(mistake, exchange_->target.path);
  if (session.began()) {
    session.abort();
    co_return;
  }
  // The call may have been sent before the mistake.
  Failure internal{Problem::internal, "the gateway made a mistake; its log says more", Delivery::unknown};
  co_await exchange_->refuse(std::move(internal));
}

net::HttpResponse Conversation::refuse(proto::Problem problem, std::string_view detail) {
  proto::ProblemDocument document;
  document.problem = problem;
  document.detail = detail;
  document.delivery = Delivery::not_sent;
  return problem_response(document);
}

// Anybody can make these happen as often as they like: they are no more than a help in a search.
void Conversation::handshake_failed(net::HttpSession& session, net::error_code error) {
  core_.log(LogLevel::debug, fmt::format("no TLS with {}: {}", session.remote_address(), error.message()));
}

}  // namespace reachback::gateway
