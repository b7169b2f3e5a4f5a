#include "gateway/conversation.hpp"

#include "gateway/routes.hpp"

namespace reachback::gateway {

Conversation::Conversation(Core& core, ShardScope& scope, std::optional<core::Permit> regular)
    : core_(core), scope_(scope), regular_(std::move(regular)), caller_(scope.shard, scope.callers) {}

net::Task<> Conversation::handle(net::HttpSession& session) {
  if (core_.draining()) session.drain();
  core::Permit none;
  auto target = read_target(session.head().target);
  Exchange exchange{core_,       scope_, caller_, session, regular_ ? *regular_ : none,
                    last_token_, {},     {},      {},      {}};
  if (!target) {
    co_await exchange.refuse(Problem::bad_request, "the request target is malformed");
    co_return;
  }
  exchange.target = std::move(*target);
  if (!regular_ && !is_probe(exchange.target)) {
    session.drain();
    co_await exchange.refuse(Problem::overloaded, "the connection limit is reached");
    co_return;
  }
  std::exception_ptr failure;
  try {
    co_await route(exchange);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  core_.report(failure, exchange.target.path);
  if (session.began()) {
    session.abort();
  } else {
    // The call may have been sent before the mistake.
    Failure internal{Problem::internal, "the gateway made a mistake; its log says more", Delivery::unknown};
    co_await exchange.refuse(std::move(internal));
  }
}

net::HttpResponse Conversation::refuse(proto::Problem problem, std::string_view detail) {
  proto::ProblemDocument document;
  document.problem = problem;
  document.detail = detail;
  document.delivery = Delivery::not_sent;
  return problem_response(document);
}

}  // namespace reachback::gateway
