#include "client/request_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <utility>

#include "client/answer_pace.hpp"
#include "client/answering.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/part_cutter.hpp"

namespace reachback::client {
namespace {

/// The call of a request. A gateway that speaks `reachback.v1` lets `callId` stand before the caller's
/// members; reading all of a big request is the workers' job.
std::optional<proto::CallId> call_id_in_head(std::string_view request) {
  constexpr std::size_t head_size = 1024;
  proto::ObjectScanner scanner;
  scanner.grow(request.substr(0, head_size));
  while (auto const member = scanner.next()) {
    if (!proto::key_equals(member->key, "callId")) continue;
    auto const number = member->value.integer();
    if (number && *number >= 0) return proto::CallId(static_cast<std::uint64_t>(*number));
  }
  return std::nullopt;
}

}  // namespace

/// One request in hand.
struct RequestPool::Work {
  Work(RequestPool& pool, proto::ConnectionId connection, core::Buffer message, core::Permit share)
      : id{.connection = connection},
        request(std::move(message)),
        permit(std::move(share)),
        answering(std::in_place, request.view(), pool.function_) {}

  AnswerId id;  ///< its call only on a paced connection
  std::atomic<bool> abandoned = false;

  // For the worker that has it, one at a time.
  core::Buffer request;
  core::Permit permit;
  std::optional<Answering> answering;

  // For the shard.
  AnswerPace pace;
};

/// A share of the window. It travels with the part that it was granted for and comes back to the shard when
/// it dies, on whatever thread: the worker gave up, or the connection's outbox let go of the part.
class RequestPool::Share {
 public:
  Share() = default;
  Share(RequestPool& pool, proto::ConnectionId connection, std::size_t bytes)
      : pool_(&pool), connection_(connection), bytes_(bytes) {}
  Share(Share&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(other.connection_), bytes_(other.bytes_) {}
  Share& operator=(Share&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(connection_, other.connection_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Share() {
    // Never at once: the outbox that lets go of it is in the middle of its own work.
    if (pool_ == nullptr) return;
    pool_->shard_.post(
        [pool = pool_, connection = connection_, bytes = bytes_] { pool->give_back(connection, bytes); });
  }

 private:
  RequestPool* pool_ = nullptr;
  proto::ConnectionId connection_{};
  std::size_t bytes_ = 0;
};

/// The way from one worker to the shard.
class RequestPool::WorkerLine final : public AnswerLine {
 public:
  WorkerLine(RequestPool& pool, SharedWork const& work) : pool_(pool), work_(work) {}

  Verdict wait_for_room(std::size_t bytes) override {
    // Given back first: whoever waits while he holds some could wait for himself.
    share_ = Share();
    // Owned by this thread and by the reply: set_value may still be at work when the waiter is already on his
    // way.
    auto const promise = std::make_shared<std::promise<Verdict>>();
    auto verdict = promise->get_future();
    pool_.shard_.post([&pool = pool_, work = work_, bytes, promise] {
      pool.ask(*work, bytes, [promise](Verdict dealt) { promise->set_value(dealt); });
    });
    if (verdict.get() == Verdict::gone) return Verdict::gone;
    share_ = Share(pool_, work_->id.connection, bytes);
    return Verdict::granted;
  }

  void send(std::string message) override {
    pool_.shard_.post(
        [&pool = pool_, work = work_, message = std::move(message), share = std::move(share_)]() mutable {
          pool.send(*work, std::move(message), std::move(share));
        });
  }

  void ignored(std::string_view why) override {
    pool_.log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", why));
  }

 private:
  RequestPool& pool_;
  SharedWork const& work_;
  Share share_;
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

void RequestPool::open(net::WebSocketConnection& connection, core::Pacing pacing,
                       std::function<void()> done) {
  lines_.insert_or_assign(connection.id(), Line{&connection, pacing, std::move(done)});
}

void RequestPool::leave(proto::ConnectionId connection) {
  lines_.erase(connection);
  window_.turn_away(connection);
  for (auto const& [id, work] : paced_) {
    if (id.connection == connection) abandon(*work);
  }
}

void RequestPool::take(proto::ConnectionId from, core::Buffer request) {
  auto const found = lines_.find(from);
  if (found == lines_.end()) return;
  Line& line = found->second;
  auto permit = request_bytes_.acquire(request.size());
  if (in_hand_ == most_in_hand_ || (!permit && in_hand_ != 0))
    return refuse(*line.connection, request.view());
  ++in_hand_;
  ++line.in_hand;
  auto work =
      std::make_shared<Work>(*this, from, std::move(request), permit ? std::move(*permit) : core::Permit());
  if (line.pacing == core::Pacing::credits) {
    // Without a callId it is no request; the worker will say so.
    work->id.call = call_id_in_head(work->request.view()).value_or(proto::CallId{});
    paced_.emplace(work->id, work);
  }
  give_to_worker(std::move(work), AnswerPace::unasked(line.pacing));
}

bool RequestPool::done_with(proto::ConnectionId connection) const {
  auto const found = lines_.find(connection);
  return found == lines_.end() ||
         (found->second.in_hand == 0 && found->second.connection->outbox_bytes() == 0);
}

// May end with the line's own end: what is called is copied.
void RequestPool::tell_if_done(proto::ConnectionId connection) const {
  auto const found = lines_.find(connection);
  if (found == lines_.end() || !done_with(connection)) return;
  auto const done = found->second.done;
  done();
}

void RequestPool::give_to_worker(SharedWork work, std::uint32_t parts) {
  boost::asio::post(workers_,
                    [this, work = std::move(work), parts]() mutable { go_on(std::move(work), parts); });
}

// On a worker. What it posts last is the last word of this request, or of this step.
void RequestPool::go_on(SharedWork work, std::uint32_t parts) {
  WorkerLine line(*this, work);
  bool const over = work->abandoned || work->answering->go_on(line, parts) == Progress::finished;
  if (over) {
    work->answering.reset();
    work->permit = {};
    shard_.post([this, work = std::move(work)] { finished(work); });
  } else {
    // An answer that waits for its caller holds no memory that other requests need.
    work->request = core::Buffer();
    work->permit = {};
    shard_.post([this, work = std::move(work)] {
      // Also who is turned away goes back to a worker: what belongs to the service's function dies there.
      work->pace.ask([this, work](std::uint32_t allowed) { give_to_worker(work, allowed); });
    });
  }
}

void RequestPool::credit(AnswerId const& answer, std::uint32_t parts) {
  auto const found = paced_.find(answer);
  if (found != paced_.end()) found->second->pace.credit(parts);
}

void RequestPool::cancel(AnswerId const& answer) {
  auto const [first, last] = paced_.equal_range(answer);
  for (auto of_answer = first; of_answer != last; ++of_answer) abandon(*of_answer->second);
  window_.turn_away(answer);
}

void RequestPool::abandon(Work& work) {
  work.abandoned = true;
  work.pace.cancel();
}

net::WebSocketConnection* RequestPool::taker_of(Work const& work) const {
  auto const found = lines_.find(work.id.connection);
  return work.abandoned || found == lines_.end() ? nullptr : found->second.connection;
}

void RequestPool::refuse(net::WebSocketConnection& connection, std::string_view request) {
  auto const echo = proto::echo_of_request(request);
  if (!echo)
    return log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", echo.error()));
  auto answer = proto::error_answer(*echo, "the service has too many requests waiting", 503);
  // When not even this fits, the gateway does not read, and the connection's own deadline will end it.
  if (!send_to(connection, std::move(answer), Share(*this, connection.id(), 0))) {
    log_(LogLevel::warning, "a request is left without an answer: too much waits to be sent");
  }
}

void RequestPool::ask(Work const& work, std::size_t bytes, RoomWindow::Reply reply) {
  if (taker_of(work) == nullptr) return reply(Verdict::gone);
  window_.ask(work.id, bytes, std::move(reply));
}

void RequestPool::send(Work const& work, std::string message, Share share) {
  auto* const connection = taker_of(work);
  if (connection == nullptr) return;
  if (!send_to(*connection, std::move(message), std::move(share))) {
    log_(LogLevel::warning, "a part is dropped: too much waits to be sent");
  }
}

bool RequestPool::send_to(net::WebSocketConnection& connection, std::string message, Share share) {
  struct Part {
    std::string const text;
    Share const share;
  };
  // Owned by the outbox alone; shared only because that is the form in which it takes foreign bytes.
  auto part = std::make_shared<Part>(std::move(message), std::move(share));
  core::OutMessage out;
  std::string_view const text = part->text;
  out.body = core::SharedBytes{std::move(part), text};
  return connection.send(std::move(out)) != core::MessageNumber::none;
}

void RequestPool::finished(SharedWork const& work) {
  auto const [first, last] = paced_.equal_range(work->id);
  auto const found = std::find_if(first, last, [&](auto const& entry) { return entry.second == work; });
  if (found != last) paced_.erase(found);
  if (--in_hand_ == 0) idle_.notify();
  auto const line = lines_.find(work->id.connection);
  if (line == lines_.end()) return;
  --line->second.in_hand;
  tell_if_done(work->id.connection);
}

void RequestPool::give_back(proto::ConnectionId connection, std::size_t bytes) {
  window_.give_back(bytes);
  tell_if_done(connection);
}

async::Task<> RequestPool::drain() {
  while (in_hand_ != 0) co_await idle_.wait();
}

}  // namespace reachback::client
