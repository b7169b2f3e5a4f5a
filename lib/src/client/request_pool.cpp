#include "client/request_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <utility>

#include "reachback/proto/part_cutter.hpp"

namespace reachback::client {

/// A share of the window. It travels with the part that it was granted for and comes back to the shard when
/// it dies, on whatever thread: the worker gave up, or the connection's outbox let go of the part.
class RequestPool::Credit {
 public:
  Credit() = default;
  Credit(RequestPool& pool, std::size_t bytes) : pool_(&pool), bytes_(bytes) {}
  Credit(Credit&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), bytes_(other.bytes_) {}
  Credit& operator=(Credit&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Credit() {
    // Never at once: the outbox that lets go of it is in the middle of its own work.
    if (pool_ != nullptr)
      pool_->shard_.post([pool = pool_, bytes = bytes_] { pool->window_.give_back(bytes); });
  }

 private:
  RequestPool* pool_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The way from one worker to the shard.
class RequestPool::Line final : public AnswerLine {
 public:
  Line(RequestPool& pool, proto::ConnectionId from) : pool_(pool), from_(from) {}

  Verdict wait_for_room(std::size_t bytes) override {
    // Given back first: whoever waits while he holds some could wait for himself.
    credit_ = Credit();
    // Owned by this thread and by the reply: set_value may still be at work when the waiter is already on his
    // way.
    auto const promise = std::make_shared<std::promise<Verdict>>();
    auto verdict = promise->get_future();
    pool_.shard_.post([&pool = pool_, from = from_, bytes, promise] {
      pool.ask(from, bytes, [promise](Verdict dealt) { promise->set_value(dealt); });
    });
    if (verdict.get() == Verdict::gone) return Verdict::gone;
    credit_ = Credit(pool_, bytes);
    return Verdict::granted;
  }

  void send(std::string message) override {
    pool_.shard_.post(
        [&pool = pool_, from = from_, message = std::move(message), credit = std::move(credit_)]() mutable {
          pool.send(from, std::move(message), std::move(credit));
        });
  }

  void ignored(std::string_view why) override {
    pool_.log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", why));
  }

 private:
  RequestPool& pool_;
  proto::ConnectionId const from_;
  Credit credit_;
};

RequestPool::RequestPool(async::Shard& shard, ServiceFunction function, PoolLimits const& limits, Log log)
    : shard_(shard),
      function_(std::move(function)),
      log_(std::move(log)),
      most_in_hand_(std::max(limits.workers, 1u) + limits.waiting_requests),
      request_bytes_(limits.request_bytes),
      window_(limits.answer_bytes),
      idle_(shard.strand()),
      workers_(std::max(limits.workers, 1u)) {}

void RequestPool::leave() {
  connection_ = nullptr;
  window_.turn_away();
}

void RequestPool::take(core::Buffer request) {
  if (connection_ == nullptr) return;
  auto permit = request_bytes_.acquire(request.size());
  if (in_hand_ == most_in_hand_ || (!permit && in_hand_ != 0)) return refuse(request.view());
  ++in_hand_;
  boost::asio::post(workers_, [this, from = connection_->id(), request = std::move(request),
                               permit = std::move(permit)]() mutable {
    work(from, std::move(request));
    permit.reset();
    // The last word of this request: what the worker posted before it has run by then.
    shard_.post([this] { finished(); });
  });
}

void RequestPool::work(proto::ConnectionId from, core::Buffer request) {
  Line line(*this, from);
  answer_request(request.view(), function_, line);
}

void RequestPool::refuse(std::string_view request) {
  auto const echo = proto::echo_of_request(request);
  if (!echo)
    return log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", echo.error()));
  core::OutMessage answer;
  answer.body = core::Buffer(proto::error_answer(*echo, "the service has too many requests waiting", 503));
  // When not even this fits, the gateway does not read, and the connection's own deadline will end it.
  if (connection_->send(std::move(answer)) == core::MessageNumber::none) {
    log_(LogLevel::warning, "a request is left without an answer: too much waits to be sent");
  }
}

void RequestPool::ask(proto::ConnectionId from, std::size_t bytes, CreditWindow::Reply reply) {
  if (!is_open(from)) return reply(Verdict::gone);
  window_.ask(bytes, std::move(reply));
}

void RequestPool::send(proto::ConnectionId from, std::string message, Credit credit) {
  if (!is_open(from)) return;
  struct Part {
    std::string const text;
    Credit const credit;
  };
  // Owned by the outbox alone; shared only because that is the form in which it takes foreign bytes.
  auto part = std::make_shared<Part>(std::move(message), std::move(credit));
  core::OutMessage out;
  std::string_view const text = part->text;
  out.body = core::SharedBytes{std::move(part), text};
  if (connection_->send(std::move(out)) == core::MessageNumber::none) {
    log_(LogLevel::warning, "a part is dropped: too much waits to be sent");
  }
}

void RequestPool::finished() {
  if (--in_hand_ == 0) idle_.notify();
}

async::Task<> RequestPool::drain() {
  while (in_hand_ != 0) co_await idle_.wait();
}

}  // namespace reachback::client
