#include <fmt/format.h>

#include "gateway/answer_form.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/routes.hpp"
#include "reachback/proto/request.hpp"

namespace reachback::gateway {
namespace {

/// Why this endpoint takes no calls now; nothing when it does.
std::optional<Failure> closed_to_calls(Exchange const& exchange) {
  Endpoint const* const endpoint = exchange.endpoint();
  Failure failure;
  if (endpoint == nullptr) {
    failure = {Problem::no_endpoint, fmt::format("there is no endpoint '{}'", exchange.captures[0]),
               Delivery::not_sent};
  } else if (endpoint->kind() == EndpointKind::broadcast) {
    failure = {Problem::wrong_kind, "this endpoint broadcasts; it answers no calls", Delivery::not_sent};
  } else if (endpoint->kind() == EndpointKind::reject) {
    failure = {Problem::disabled, endpoint->reject_reason(), Delivery::not_sent};
  } else if (exchange.core.draining()) {
    failure = {Problem::draining, "the gateway is shutting down", Delivery::not_sent};
  } else {
    return std::nullopt;
  }
  return failure;
}

/// A request for a timed-out call's text: a small one whole, of a big one its description.
class Remembered {
 public:
  Remembered(std::string_view body, proto::CheckedRequest& checked)
      : is_whole_(checked.description.empty()),
        text_(is_whole_ ? std::string(body) : std::move(checked.description)) {}
  [[nodiscard]] std::string description() const { return is_whole_ ? proto::describe_request(text_) : text_; }

 private:
  bool is_whole_;
  std::string text_;
};

std::string timeout_text(core::Duration timeout, Remembered const& request) {
  return fmt::format("no answer came within {} s to {}", std::chrono::duration<double>(timeout).count(),
                     request.description());
}

/// The parameters in the head, read once for all calls with the same one.
Result<CallParameters> const& parameters_of(Exchange& exchange) {
  if (!exchange.call) {
    exchange.call = read_call_parameters(exchange.target, exchange.head().fields, exchange.core.config());
  }
  return *exchange.call;
}

Failure bad_message(proto::RequestFault const& fault) {
  return {Problem::bad_message, fault.detail, Delivery::not_sent};
}

async::Task<Result<core::Buffer>> read_body(Exchange& exchange, proto::RequestChecker& checker) {
  net::HttpSession::BodyGrowth const check = [&](std::string_view so_far) { checker.grow(so_far); };
  auto body = co_await exchange.session.read_body(SIZE_MAX, &check);
  Result<core::Buffer> result = Failure();
  if (body) {
    result = std::move(*body);
  } else {
    result = Failure{body.error().problem, body.error().detail, Delivery::not_sent};
  }
  co_return std::move(result);
}

/// Sends a checked request to the endpoint; the answer comes to `exchange.caller`.
void start(Exchange& exchange, CallParameters const& call, proto::CheckedRequest checked,
           core::Buffer message) {
  StartCall start;
  start.request.caller = exchange.caller.expect();
  start.request.timeout = call.timeout;
  start.request.connection = call.connection;
  start.request.patience = exchange.core.config().timeouts.longest_call;
  start.checked = std::move(checked);
  start.message = std::move(message);
  exchange.session.on_hang_up([&caller = exchange.caller] { caller.cancel(core::CallEnd::cancelled); });
  Endpoint& endpoint = *exchange.endpoint();
  if (endpoint.shard().runs_here()) {
    endpoint.start_call(std::move(start));
  } else {
    endpoint.shard().post(
        [&endpoint, start = std::move(start)]() mutable { endpoint.start_call(std::move(start)); });
  }
  exchange.session.body_handed_on();
}

/// The call ended without a complete answer.
async::Task<Outcome> tell(Exchange& exchange, AnswerForm& form, CallFailure ended,
                          std::string service_message = {}) {
  auto const outcome = Outcome::failed(ended.failure.problem);
  if (exchange.session.began()) {
    co_await form.break_off(ended);
  } else {
    co_await exchange.refuse(std::move(ended.failure), ended.call_id, std::move(service_message));
  }
  co_return outcome;
}

/// A part could not be passed on.
async::Task<Outcome> give_up(Exchange& exchange, AnswerForm& form, Taken why) {
  if (why == Taken::caller_gone) {
    exchange.caller.cancel(core::CallEnd::cancelled);
    co_return Outcome::cancelled();
  }
  CallFailure failure;
  failure.call_id = exchange.caller.call_id();
  bool const service_failed = why == Taken::service_error;
  failure.failure.problem = service_failed ? Problem::service_error : Problem::bad_answer;
  failure.failure.detail = service_failed ? "the service answered with an error" : form.fault();
  failure.failure.delivery = Delivery::sent;
  exchange.caller.cancel(core::CallEnd::bad_answer);
  std::string service_message;
  if (service_failed) service_message = form.fault();
  Outcome const outcome = co_await tell(exchange, form, std::move(failure), std::move(service_message));
  co_return outcome;
}

}  // namespace

// What most calls need is done here and in plain calls: a coroutine for each step would cost a twentieth of a
// call each.
async::Task<> serve_call(Exchange& exchange) {
  auto const asked_at = exchange.scope.shard.now();
  if (auto closed = closed_to_calls(exchange)) {
    co_await exchange.refuse(std::move(*closed));
    co_return;
  }
  auto const& call = parameters_of(exchange);
  if (!call) {
    co_await exchange.refuse(call.error());
    co_return;
  }
  proto::RequestChecker checker;
  auto complete_at = asked_at;
  auto body = exchange.session.body_at_hand();
  if (!body) {
    auto read = co_await read_body(exchange, checker);
    complete_at = exchange.scope.shard.now();
    if (!read) {
      co_await exchange.refuse(read.error());
      co_return;
    }
    body = std::move(*read);
  }
  auto checked = checker.complete(body->view());
  if (!checked) {
    co_await exchange.refuse(bad_message(checked.error()));
    co_return;
  }
  Remembered const request(body->view(), *checked);
  auto const form = AnswerForm::make(call->form, exchange, complete_at);
  start(exchange, *call, std::move(*checked), std::move(*body));
  Outcome outcome = Outcome::answered();
  for (bool last = false; !last;) {
    auto [error, event] = co_await exchange.caller.next();
    last = true;
    if (exchange.session.hung_up()) {
      outcome = Outcome::cancelled();
    } else if (event.part != nullptr) {
      last = event.part->last;
      bool const credit_due = event.part->credit_due;
      Taken taken = Taken::ok;
      if (!form->take_soon(*event.part)) taken = co_await form->take(std::move(event.part));
      if (taken == Taken::ok) {
        if (credit_due) exchange.caller.give_credit();
        continue;
      }
      last = true;
      outcome = co_await give_up(exchange, *form, taken);
    } else {
      auto ended = error ? Caller::given_up() : std::move(*event.failure);
      if (ended.failure.problem == Problem::timed_out)
        ended.failure.detail = timeout_text(call->timeout, request);
      outcome = co_await tell(exchange, *form, std::move(ended));
    }
  }
  std::size_t const index = exchange.endpoint()->index();
  exchange.scope.calls[index].ended(outcome, exchange.scope.shard.now() - asked_at);
}

}  // namespace reachback::gateway
