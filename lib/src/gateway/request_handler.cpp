#include "reachback/request_handler.hpp"

#include <fmt/format.h>

#include <future>

#include "gateway/ask.hpp"
#include "gateway/request_desk.hpp"
#include "gateway/service_message.hpp"
#include "reachback/proto/json_scanner.hpp"

namespace reachback {
namespace {

Failure ended() { return {Problem::draining, "the gateway has ended", Delivery::not_sent}; }

/// The call that a message goes on with: one that has `incomplete: true` and a `callId`.
std::optional<CallId> continued_call(std::string_view message) {
  proto::ObjectScanner scanner(message);
  proto::JsonValue incomplete, call_id;
  while (auto const member = scanner.next()) {
    if (proto::key_equals(member->key, "incomplete")) incomplete = member->value;
    if (proto::key_equals(member->key, "callId")) call_id = member->value;
  }
  auto const id = call_id.integer();
  if (!incomplete.is_true() || !id || *id < 0) return std::nullopt;
  return CallId{static_cast<std::uint64_t>(*id)};
}

/// For a time-out: a big message has been described while it was checked.
std::string describe(proto::CheckedRequest const& checked, std::string_view message) {
  return checked.description.empty() ? proto::describe_request(message) : checked.description;
}

/// The seed's get_response adds this key to what the service sent.
std::string with_incomplete(std::string_view message, bool incomplete) {
  auto const brace = message.find('{');
  return fmt::format("{{\"incomplete\":{},{}", incomplete, message.substr(brace + 1));
}

/// Waits for what a shard promised; a promise broken by the gateway's end is a failure like others.
template <class T>
Result<T> wait_for(std::future<Result<T>> future) {
  try {
    return future.get();
  } catch (std::future_error const&) {
    return ended();
  }
}

}  // namespace

class RequestHandler::Impl {
 public:
  Impl(std::string const& name, gateway::Core& core) : core_(core), endpoint_(core.find_endpoint(name)) {
    if (endpoint_ == nullptr) return;
    desk_ = std::make_unique<gateway::RequestDesk>(core_, *endpoint_);
  }

  ~Impl() {
    if (desk_ == nullptr) return;
    std::promise<void> promise;
    auto over = promise.get_future();
    endpoint_->shard().post(
        [this, promise = std::move(promise)]() mutable { scope().tasks.spawn(end(std::move(promise))); });
    over.wait();
  }

  enum class Then : std::uint8_t { send, only_prepare };

  using Timeout = std::optional<std::chrono::milliseconds>;

  // Checked, described and copied on the caller's thread: no shard waits for it.
  Result<PreparedRequest> begin(std::string_view message, Then then, Timeout timeout = std::nullopt) {
    if (auto const closed = refusal()) return *closed;
    auto const checked = proto::check_request(message);
    if (!checked) return Failure{Problem::bad_message, checked.error().detail, Delivery::not_sent};
    auto sent = then == Then::send ? std::make_unique<core::Buffer>(message) : nullptr;
    core::Duration const wait = wait_of(timeout);
    auto const begun = wait_for<core::CallPlacement>(
        gateway::ask(endpoint_->shard(), [this, wait, description = describe(*checked, message),
                                          request = *checked, sent = std::move(sent)]() mutable {
          return desk_->begin(std::move(description), request, std::move(sent), wait);
        }));
    if (!begun) return begun.error();
    PreparedRequest prepared{begun->id, begun->connection, {}};
    if (then == Then::only_prepare) {
      prepared.message = gateway::Endpoint::head_of(*begun, *checked, wait);
      prepared.message.append(message.substr(checked->members_at));
    }
    return prepared;
  }

  Result<Response> fetch(CallId id, Timeout timeout) {
    if (endpoint_ == nullptr) return no_endpoint();
    gateway::RequestDesk::Answer answer;
    auto future = answer.get_future();
    endpoint_->shard().post([this, id, wait = wait_of(timeout), answer = std::move(answer)]() mutable {
      desk_->fetch(id, wait, std::move(answer));
    });
    auto const message = wait_for<gateway::RequestDesk::Message>(std::move(future));
    if (!message) return message.error();
    return Response{message->id, message->incomplete,
                    with_incomplete(message->text.view(), message->incomplete)};
  }

  Result<void> inject(ConnectionId from, std::string_view message) {
    if (endpoint_ == nullptr) return no_endpoint();
    core::Buffer text(message);
    auto const answer = gateway::ServiceMessageReader().complete(core::MessageKind::binary, text.view());
    return wait_for<void>(
        gateway::ask(endpoint_->shard(), [this, from, answer, text = std::move(text)]() mutable {
          if (answer) {
            endpoint_->on_answer(from, *answer, std::move(text));
            return Result<void>();
          }
          endpoint_->drop(answer.error(), from);
          return Result<void>(
              Failure{Problem::bad_answer, std::string(to_string(answer.error())), Delivery::sent});
        }));
  }

  template <class T, class Function>
  Result<T> on_desk(Function function) {
    if (endpoint_ == nullptr) return no_endpoint();
    return wait_for<T>(
        gateway::ask(endpoint_->shard(), [this, function] { return Result<T>(function(*desk_)); }));
  }

 private:
  [[nodiscard]] core::Duration wait_of(Timeout timeout) const {
    return timeout.value_or(core_.config().timeouts.call);
  }

  gateway::ShardScope& scope() { return core_.scope(endpoint_->shard().index()); }

  async::Task<> end(std::promise<void> promise) {
    co_await desk_->end();
    desk_.reset();
    promise.set_value();
  }

  static Failure no_endpoint() {
    return {Problem::no_endpoint, "there is no such endpoint", Delivery::not_sent};
  }

  std::optional<Failure> refusal() const {
    if (endpoint_ == nullptr) return no_endpoint();
    if (endpoint_->kind() == EndpointKind::broadcast) {
      return Failure{Problem::wrong_kind, "this endpoint broadcasts; it answers no calls",
                     Delivery::not_sent};
    }
    if (endpoint_->kind() == EndpointKind::reject) {
      return Failure{Problem::disabled, endpoint_->reject_reason(), Delivery::not_sent};
    }
    if (core_.draining())
      return Failure{Problem::draining, "the gateway is shutting down", Delivery::not_sent};
    return std::nullopt;
  }

  gateway::Core& core_;
  gateway::Endpoint* const endpoint_;
  std::unique_ptr<gateway::RequestDesk> desk_;
};

RequestHandler::RequestHandler(std::string name, Gateway& gateway)
    : impl_(std::make_unique<Impl>(name, gateway.core())) {}
RequestHandler::~RequestHandler() = default;

Result<Response> RequestHandler::do_request(std::string_view message,
                                            std::optional<std::chrono::milliseconds> timeout) {
  if (auto const id = continued_call(message)) return impl_->fetch(*id, timeout);
  auto const begun = impl_->begin(message, Impl::Then::send, timeout);
  if (!begun) return begun.error();
  return impl_->fetch(begun->call_id, timeout);
}

Result<PreparedRequest> RequestHandler::prepare_request(std::string_view message) {
  return impl_->begin(message, Impl::Then::only_prepare);
}

Result<void> RequestHandler::callback(ConnectionId from, std::string_view message) {
  return impl_->inject(from, message);
}

Result<Response> RequestHandler::get_response(CallId call_id,
                                              std::optional<std::chrono::milliseconds> timeout) {
  return impl_->fetch(call_id, timeout);
}

void RequestHandler::close_pending_requests() {
  (void)impl_->on_desk<bool>([](gateway::RequestDesk& desk) {
    desk.close_all();
    return true;
  });
}

std::size_t RequestHandler::prune_callbacks() {
  auto const pruned = impl_->on_desk<std::size_t>([](gateway::RequestDesk& desk) { return desk.prune(); });
  return pruned ? *pruned : 0;
}

}  // namespace reachback
