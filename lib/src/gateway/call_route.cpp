#include <fmt/format.h>

#include "gateway/answer_form.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/routes.hpp"
#include "reachback/proto/request.hpp"

namespace reachback::gateway {
namespace {

struct AskedCall {
  Endpoint* endpoint = nullptr;
  FormName form = FormName::json;
  StartCall start;
  bool is_kept_whole = false;
  std::string kept;  ///< for a time-out's text: a small request whole, the description of a big one
};

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

/// Reads the call out of the request. What is wrong with it comes back as a failure.
async::Task<Result<AskedCall>> read_call(Exchange& exchange) {
  AskedCall call;
  if (auto closed = closed_to_calls(exchange)) co_return std::move(*closed);
  call.endpoint = exchange.endpoint();
  auto const timeout = read_timeout(exchange.target, exchange.head().fields, exchange.core.config());
  if (!timeout) co_return timeout.error();
  call.start.request.timeout = *timeout;
  auto const connection = read_connection(exchange.target);
  if (!connection) co_return connection.error();
  call.start.request.connection = *connection;
  auto const form = read_form_name(exchange.head().fields);
  if (!form) co_return form.error();
  call.form = *form;
  if (auto const type = check_json_type(exchange.head().fields); !type) co_return type.error();
  proto::RequestChecker checker;
  net::HttpSession::BodyGrowth const check = [&](std::string_view so_far) { checker.grow(so_far); };
  auto body = co_await exchange.session.read_body(SIZE_MAX, &check);
  Failure failure;
  if (!body) {
    failure = {body.error().problem, body.error().detail, Delivery::not_sent};
    co_return std::move(failure);
  }
  auto checked = checker.complete(body->view());
  if (!checked) {
    failure = {Problem::bad_message, checked.error().detail, Delivery::not_sent};
    co_return std::move(failure);
  }
  call.is_kept_whole = checked->description.empty();
  call.kept = call.is_kept_whole ? std::string(body->view()) : std::move(checked->description);
  call.start.checked = std::move(*checked);
  call.start.message = std::move(*body);
  co_return std::move(call);
}

std::string timeout_text(core::Duration timeout, AskedCall const& call) {
  return fmt::format("no answer came within {} s to {}", std::chrono::duration<double>(timeout).count(),
                     call.is_kept_whole ? proto::describe_request(call.kept) : call.kept);
}

/// Follows one call from its start to its end, and says how it ended.
async::Task<Outcome> follow(Exchange& exchange, AskedCall call) {
  auto const timeout = call.start.request.timeout;
  call.start.request.caller = exchange.caller.expect();
  auto const form = AnswerForm::make(call.form, exchange, exchange.scope.shard.now());
  exchange.session.on_hang_up([&caller = exchange.caller] { caller.cancel(core::CallEnd::cancelled); });
  call.endpoint->shard().dispatch([endpoint = call.endpoint, start = std::move(call.start)]() mutable {
    endpoint->start_call(std::move(start));
  });
  exchange.session.body_handed_on();
  Taken taken = Taken::ok;
  while (taken == Taken::ok) {
    CallEvent event = co_await exchange.caller.next();
    if (exchange.session.hung_up()) co_return Outcome::cancelled();
    if (auto* const ended = std::get_if<CallFailure>(&event)) {
      if (ended->failure.problem == Problem::timed_out) ended->failure.detail = timeout_text(timeout, call);
      if (exchange.session.began()) {
        co_await form->break_off(*ended);
      } else {
        co_await exchange.refuse(ended->failure, ended->call_id);
      }
      co_return Outcome::failed(ended->failure.problem);
    }
    auto& part = std::get<Part>(event);
    bool const last = part.last;
    bool const credit_due = part.credit_due;
    taken = co_await form->take(std::move(part));
    if (taken == Taken::ok && last) co_return Outcome::answered();
    if (taken == Taken::ok && credit_due) exchange.caller.give_credit();
  }
  if (taken == Taken::caller_gone) {
    exchange.caller.cancel(core::CallEnd::cancelled);
    co_return Outcome::cancelled();
  }
  CallFailure failure;
  failure.call_id = exchange.caller.call_id();
  bool const service_failed = taken == Taken::service_error;
  failure.failure.problem = service_failed ? Problem::service_error : Problem::bad_answer;
  failure.failure.detail = service_failed ? "the service answered with an error" : form->fault();
  failure.failure.delivery = Delivery::sent;
  exchange.caller.cancel(core::CallEnd::bad_answer);
  if (exchange.session.began()) {
    co_await form->break_off(failure);
  } else {
    std::string service_message;
    if (service_failed) service_message = form->fault();
    co_await exchange.refuse(failure.failure, failure.call_id, std::move(service_message));
  }
  co_return Outcome::failed(failure.failure.problem);
}

}  // namespace

async::Task<> serve_call(Exchange& exchange) {
  auto const asked_at = exchange.scope.shard.now();
  auto call = co_await read_call(exchange);
  if (!call) {
    co_await exchange.refuse(call.error());
    co_return;
  }
  std::size_t const index = call->endpoint->index();
  Outcome const outcome = co_await follow(exchange, std::move(*call));
  exchange.scope.calls[index].ended(outcome, exchange.scope.shard.now() - asked_at);
}

}  // namespace reachback::gateway
